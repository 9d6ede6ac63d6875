"""What the guests of a region have to know of it: instances, names of private zones, load balancers."""

import time
from collections import defaultdict

import file_systems
from balancers import rotation


def machines(region):
    """All in one answer, because it is asked for several times a second."""
    found = [
        it
        for its in region.client("ec2").describe_instances()["Reservations"]
        for it in its["Instances"]
        if not is_being_launched(it)
    ]
    balancers = load_balancers(region)
    return {
        "instances": [instance_of(region, it) for it in found],
        "networks": {it["VpcId"]: it["CidrBlock"] for it in region.client("ec2").describe_vpcs()["Vpcs"]},
        "names": private_names(region, balancers),
        "balancers": balancers,
        "mountTargets": mount_targets(region),
    }


def is_being_launched(it):
    """moto shows an instance before it has given it its profile; one that shall have none is seen a moment later."""
    return "IamInstanceProfile" not in it and time.time() - it["LaunchTime"].timestamp() < 2


def instance_of(region, it):
    if it["State"]["Name"] not in ("pending", "running"):
        return {"id": it["InstanceId"], "state": it["State"]["Name"]}
    known = region.machine_facts.setdefault(it["InstanceId"], {})
    if not known:
        ec2 = region.client("ec2")
        user_data = ec2.describe_instance_attribute(InstanceId=it["InstanceId"], Attribute="userData")["UserData"]
        role = file_systems.role_of(region, it)
        known |= {
            "address": it["PrivateIpAddress"],
            "vpc": it["VpcId"],
            "zone": it["Placement"]["AvailabilityZone"],
            "type": it["InstanceType"],
            "image": it.get("ImageId"),
            "userData": user_data.get("Value", ""),
            "role": role and role["Arn"],
            "metadataTags": it.get("MetadataOptions", {}).get("InstanceMetadataTags") == "enabled",
            "profile": it.get("IamInstanceProfile", {}).get("Arn"),
        }
    tags = {tag["Key"]: tag["Value"] for tag in it.get("Tags", [])}
    return {"id": it["InstanceId"], "state": it["State"]["Name"], "tags": tags, **known}


def load_balancers(region):
    elbv2 = region.client("elbv2")
    found = []
    for it in elbv2.describe_load_balancers()["LoadBalancers"]:
        arn = it["LoadBalancerArn"]
        listeners = []
        for listener in elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
            groups = [action["TargetGroupArn"] for action in listener["DefaultActions"] if "TargetGroupArn" in action]
            listeners.append(
                {"port": listener["Port"], "targets": [it for group in groups for it in targets(region, group)]}
            )
        found.append(
            {
                "arn": arn,
                "name": it["DNSName"],
                "vpc": it["VpcId"],
                "address": address_of(region, arn, it),
                "listeners": listeners,
            }
        )
    return found


def address_of(region, arn, balancer):
    """Its network interface's, in its first subnet."""
    if arn not in region.balancer_addresses:
        subnet = balancer["AvailabilityZones"][0]["SubnetId"]
        interface = region.client("ec2").create_network_interface(
            SubnetId=subnet, Description=f"ELB {arn.split('loadbalancer/')[1]}"
        )
        region.balancer_addresses[arn] = interface["NetworkInterface"]["PrivateIpAddress"]
    return region.balancer_addresses[arn]


def targets(region, group):
    ids, port = rotation(region, group)
    for target in ids:
        if target.startswith("i-"):
            # One that was terminated has no address any more; connections go there all the same.
            target = region.machine_facts.get(target, {}).get("address")
        if target:
            yield {"address": target, "port": int(port)}


def private_names(region, balancers):
    """Of each network: the addresses of each name of its zones, and of load balancers."""
    route53 = region.client("route53")
    names = defaultdict(lambda: defaultdict(list))
    of_balancers = {it["name"].lower(): it["address"] for it in balancers}
    for it in balancers:
        names[it["vpc"]][it["name"]] = [it["address"]]
    for zone in route53.list_hosted_zones()["HostedZones"]:
        if not zone["Config"]["PrivateZone"]:
            continue
        # moto shows a zone before it has given it its networks.
        networks = [it["VPCId"] for it in route53.get_hosted_zone(Id=zone["Id"]).get("VPCs", [])]
        for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            for network in networks:
                names[network][record["Name"].rstrip(".")] += addresses(record, of_balancers)
    return names


def addresses(record, of_balancers):
    if "AliasTarget" in record:
        target = record["AliasTarget"]["DNSName"].rstrip(".").lower().removeprefix("dualstack.")
        return [of_balancers[target]] if target in of_balancers else []
    if record["Type"] == "CNAME":
        return [
            of_balancers[it["Value"].rstrip(".").lower()]
            for it in record["ResourceRecords"]
            if it["Value"].rstrip(".").lower() in of_balancers
        ]
    return [it["Value"] for it in record["ResourceRecords"]] if record["Type"] == "A" else []


def mount_targets(region):
    efs = region.client("efs")
    return [
        {
            "name": f"{it['FileSystemId']}.efs.{region.name}.amazonaws.com",
            "vpc": it["VpcId"],
            "zone": it["AvailabilityZoneName"],
            "address": it["IpAddress"],
        }
        for system in efs.describe_file_systems()["FileSystems"]
        for it in targets_of(efs, system["FileSystemId"])
    ]


def targets_of(efs, file_system):
    try:
        return efs.describe_mount_targets(FileSystemId=file_system)["MountTargets"]
    except efs.exceptions.FileSystemNotFound:
        return []  # it went a moment ago


def credentials(region, instance_id):
    """Six hours of the role's, as the metadata service has them."""
    role = region.machine_facts[instance_id]["role"]
    if role is None:
        return None
    given = region.client("sts").assume_role(RoleArn=role, RoleSessionName=instance_id, DurationSeconds=21600)[
        "Credentials"
    ]
    return {
        "Code": "Success",
        "LastUpdated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Type": "AWS-HMAC",
        "AccessKeyId": given["AccessKeyId"],
        "SecretAccessKey": given["SecretAccessKey"],
        "Token": given["SessionToken"],
        "Expiration": given["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
