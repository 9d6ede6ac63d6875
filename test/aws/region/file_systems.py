"""
Whether a machine may mount a file system, and write to it: "Using IAM to control file system data access", and the words in which
the mount helper (amazon-efs-utils) says what went wrong.
"""

import fnmatch
import ipaddress
import json

ACTIONS = "elasticfilesystem:Client"


class NoMount(Exception):
    """What the helper prints."""


def mount(region, instance_id, file_system, path, options):
    """@returns the folder of the file system that is mounted, whether it can be written to, and made. @throws NoMount"""
    if "iam" in options and "tls" not in options:
        raise NoMount('The "tls" option is required when mounting via "iam"')
    if "accesspoint" in options and "tls" not in options:
        raise NoMount('The "tls" option is required when mounting via "accesspoint"')
    instance = region.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    target = mount_target(region, file_system, instance)
    check_reachable(region, instance, target)
    root, arn, creates = access_point(region, file_system, options.get("accesspoint"))
    allowed = allowed_actions(region, file_system, instance, arn, options)
    if "ClientMount" not in allowed:
        raise NoMount("b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'")
    return {
        "folder": "/" + "/".join(part for part in f"{root}/{path}".split("/") if part),
        "write": "ClientWrite" in allowed and "ro" not in options,
        "creates": creates,
    }


def mount_target(region, file_system, instance):
    """The name of a file system resolves to the mount target of the zone that the machine is in."""
    zone = instance["Placement"]["AvailabilityZone"]
    try:
        found = region.client("efs").describe_mount_targets(FileSystemId=file_system)["MountTargets"]
    except Exception:
        found = []
    for target in found:
        if target["AvailabilityZoneName"] == zone and target["VpcId"] == instance["VpcId"]:
            return target
    name = f"{file_system}.efs.{region.name}.amazonaws.com"
    raise NoMount(
        f'Failed to resolve "{name}" - check that your file system ID is correct, and ensure that the VPC has an EFS mount target for this file system ID.\n'
        "See https://docs.aws.amazon.com/console/efs/mount-dns-name for more detail.\n"
        "Attempting to lookup mount target ip address using botocore. Failed to import necessary dependency botocore, please install botocore first."
    )


def check_reachable(region, instance, target):
    """Both sides' security groups have to let NFS through."""
    groups = region.client("efs").describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])[
        "SecurityGroups"
    ]
    own = [group["GroupId"] for group in instance["SecurityGroups"]]
    described = {
        it["GroupId"]: it
        for it in region.client("ec2").describe_security_groups(GroupIds=list({*groups, *own}))["SecurityGroups"]
    }
    inward = [rule for group in groups for rule in described[group]["IpPermissions"]]
    outward = [rule for group in own for rule in described[group]["IpPermissionsEgress"]]
    if not lets_through(inward, instance["PrivateIpAddress"], own) or not lets_through(
        outward, target["IpAddress"], groups
    ):
        raise NoMount("b'mount.nfs4: Connection timed out'")


def lets_through(rules, address, groups, port=2049):
    for rule in rules:
        if rule["IpProtocol"] != "-1" and not (
            rule["IpProtocol"] == "tcp" and rule["FromPort"] <= port <= rule["ToPort"]
        ):
            continue
        if any(pair["GroupId"] in groups for pair in rule.get("UserIdGroupPairs", [])):
            return True
        if any(ipaddress.ip_address(address) in ipaddress.ip_network(it["CidrIp"]) for it in rule.get("IpRanges", [])):
            return True
    return False


def access_point(region, file_system, access_point_id):
    if access_point_id is None:
        return "/", None, False
    points = region.client("efs").describe_access_points(FileSystemId=file_system)["AccessPoints"]
    for point in points:
        if point["AccessPointId"] == access_point_id:
            root = point.get("RootDirectory", {})
            return root.get("Path", "/"), point["AccessPointArn"], "CreationInfo" in root
    raise NoMount("b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'")


def allowed_actions(region, file_system, instance, access_point_arn, options):
    """Without a policy of its own, a file system lets everybody in; with one, somebody has to allow, and nobody to deny."""
    efs = region.client("efs")
    try:
        own = json.loads(efs.describe_file_system_policy(FileSystemId=file_system)["Policy"])
    except efs.exceptions.PolicyNotFound:
        return {"ClientMount", "ClientWrite", "ClientRootAccess"}
    arn = efs.describe_file_systems(FileSystemId=file_system)["FileSystems"][0]["FileSystemArn"]
    role = role_of(region, instance) if "iam" in options else None
    if "iam" in options and role is None:
        raise NoMount(
            "AWS Access Key ID and Secret Access Key are not found in AWS credentials file (~/.aws/credentials), config file (~/.aws/config), from ECS credentials relative uri, or from the instance security credentials service"
        )
    facts = {
        "aws:securetransport": "true" if "tls" in options else "false",
        "elasticfilesystem:accessedviamounttarget": "true",
        "elasticfilesystem:accesspointarn": access_point_arn,
        "aws:principalarn": role and role["Arn"],
    }
    statements = [it for it in listed(own["Statement"]) if is_meant(it, role)]
    statements += [it for policy in identity_policies(region, role) for it in listed(policy["Statement"])]
    return {
        action
        for action in ("ClientMount", "ClientWrite", "ClientRootAccess")
        if decide(statements, action, arn, facts)
    }


def decide(statements, action, arn, facts):
    effects = {it["Effect"] for it in statements if applies(it, action, arn, facts)}
    return "Allow" in effects and "Deny" not in effects


def applies(statement, action, arn, facts):
    name = (ACTIONS + action.removeprefix("Client")).lower()
    if "Action" in statement and not any(fnmatch.fnmatch(name, it.lower()) for it in listed(statement["Action"])):
        return False
    if "NotAction" in statement and any(fnmatch.fnmatch(name, it.lower()) for it in listed(statement["NotAction"])):
        return False
    if "Resource" in statement and not any(fnmatch.fnmatch(arn, it) for it in listed(statement["Resource"])):
        return False
    return all(
        holds(
            operator,
            facts.get(key.lower()),
            [str(it).lower() if isinstance(it, bool) else str(it) for it in listed(wanted)],
        )
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def holds(operator, found, wanted):
    """An operator whose key is absent does not hold, but for the negated ones and for …IfExists."""
    if operator == "Null":
        return (found is None) == (wanted[0] == "true")
    optional = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    negated = "Not" in operator
    if found is None:
        return optional or negated
    if operator == "Bool" or operator.endswith("Equals"):
        same = found in wanted
    elif operator.endswith("Like"):
        same = any(fnmatch.fnmatchcase(found, it) for it in wanted)
    else:
        raise NotImplementedError(f"the emulated region knows no condition {operator}")
    return same != negated


def is_meant(statement, role):
    """Whether a statement of the file system's policy is about this principal; a role's session is about its role as well."""
    principal = statement.get("Principal", {})
    if principal == "*":
        return True
    names = listed(principal.get("AWS", []))
    if "*" in names:
        return True
    if role is None:
        return False
    account = role["Arn"].split(":")[4]
    return any(name in (role["Arn"], account, f"arn:aws:iam::{account}:root") for name in names)


def role_of(region, instance):
    profile = instance.get("IamInstanceProfile")
    if not profile:
        return None
    roles = region.client("iam").get_instance_profile(InstanceProfileName=profile["Arn"].split("/")[-1])[
        "InstanceProfile"
    ]["Roles"]
    return roles[0] if roles else None


def identity_policies(region, role):
    if role is None:
        return
    iam = region.client("iam")
    name = role["RoleName"]
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        yield document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        yield document(
            iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
        )


def document(policy):
    return json.loads(policy) if isinstance(policy, str) else policy


def listed(value):
    return value if isinstance(value, list) else [value]
