"""Buckets, file systems, roles, logs, secrets, databases."""

import json
import random
import string
import time

from resources import Made, Type, pick, resource

#: RDS takes 5 to 10 minutes to make an instance; here it is a hundredth of that.
CREATION_SECONDS = 4


@resource("AWS::S3::Bucket")
class Bucket(Type):
    updatable = frozenset(
        {
            "Tags",
            "LifecycleConfiguration",
            "PublicAccessBlockConfiguration",
            "BucketEncryption",
            "VersioningConfiguration",
        }
    )

    def create(self, context, properties):
        name = properties.get("BucketName") or context.name(63, lower=True)
        region = context.region.name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        context.s3.create_bucket(Bucket=name, **where)
        made = Made(
            name,
            {
                "Arn": f"arn:aws:s3:::{name}",
                "DomainName": f"{name}.s3.amazonaws.com",
                "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            },
        )
        self.update(context, made, {}, properties)
        return made

    def update(self, context, made, old, new):
        s3, bucket = context.s3, {"Bucket": made.physical_id}
        s3.put_bucket_tagging(**bucket, Tagging={"TagSet": plain(context.tags(new))})
        if "VersioningConfiguration" in new:
            s3.put_bucket_versioning(**bucket, VersioningConfiguration=new["VersioningConfiguration"])
        if "PublicAccessBlockConfiguration" in new:
            s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration=new["PublicAccessBlockConfiguration"])
        if "LifecycleConfiguration" in new:
            rules = [lifecycle_rule(rule) for rule in new["LifecycleConfiguration"]["Rules"]]
            s3.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration={"Rules": rules})

    def delete(self, context, made, properties):
        context.s3.delete_bucket(Bucket=made.physical_id)


def lifecycle_rule(rule):
    it = {
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
        **pick(rule, "AbortIncompleteMultipartUpload"),
    }
    if "Id" in rule:
        it["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        it["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "NoncurrentVersionExpiration" in rule:
        it["NoncurrentVersionExpiration"] = rule["NoncurrentVersionExpiration"]
    return it


@resource("AWS::S3::BucketPolicy")
class BucketPolicy(Type):
    updatable = frozenset({"PolicyDocument"})

    def create(self, context, properties):
        made = Made(properties["Bucket"])
        self.update(context, made, {}, properties)
        return made

    def update(self, context, made, old, new):
        context.s3.put_bucket_policy(Bucket=made.physical_id, Policy=json.dumps(new["PolicyDocument"]))

    def delete(self, context, made, properties):
        context.s3.delete_bucket_policy(Bucket=made.physical_id)


@resource("AWS::EFS::FileSystem")
class FileSystem(Type):
    updatable = frozenset({"FileSystemTags", "FileSystemPolicy", "LifecyclePolicies", "BackupPolicy", "ThroughputMode"})

    def create(self, context, properties):
        given = pick(
            properties,
            "Encrypted",
            "KmsKeyId",
            "PerformanceMode",
            "ThroughputMode",
            "ProvisionedThroughputInMibps",
            "AvailabilityZoneName",
        )
        found = context.efs.create_file_system(
            CreationToken=context.name(), Tags=plain(context.tags(properties, "FileSystemTags")), **given
        )
        made = Made(found["FileSystemId"], {"FileSystemId": found["FileSystemId"], "Arn": found["FileSystemArn"]})
        self.update(context, made, {}, properties)
        return made

    def update(self, context, made, old, new):
        """moto has no way to take a policy away."""
        tags = plain(context.tags(new, "FileSystemTags"))
        if tags:
            context.efs.tag_resource(ResourceId=made.physical_id, Tags=tags)
        if "FileSystemPolicy" in new:
            context.efs.put_file_system_policy(
                FileSystemId=made.physical_id, Policy=json.dumps(new["FileSystemPolicy"])
            )
        if "LifecyclePolicies" in new:
            context.efs.put_lifecycle_configuration(
                FileSystemId=made.physical_id, LifecyclePolicies=new["LifecyclePolicies"]
            )

    def delete(self, context, made, properties):
        context.efs.delete_file_system(FileSystemId=made.physical_id)


def plain(tags):
    """Without CloudFormation's own, which a service takes from CloudFormation alone."""
    return [tag for tag in tags if not tag["Key"].startswith("aws:")]


@resource("AWS::EFS::MountTarget")
class MountTarget(Type):
    updatable = frozenset({"SecurityGroups"})

    def create(self, context, properties):
        target = context.efs.create_mount_target(
            **pick(properties, "FileSystemId", "SubnetId", "SecurityGroups", "IpAddress")
        )
        return Made(target["MountTargetId"], {"Id": target["MountTargetId"], "IpAddress": target["IpAddress"]})

    def update(self, context, made, old, new):
        context.efs.modify_mount_target_security_groups(
            MountTargetId=made.physical_id, SecurityGroups=new["SecurityGroups"]
        )

    def delete(self, context, made, properties):
        context.efs.delete_mount_target(MountTargetId=made.physical_id)


@resource("AWS::EFS::AccessPoint")
class AccessPoint(Type):
    def create(self, context, properties):
        point = context.efs.create_access_point(
            ClientToken=context.name(),
            Tags=plain(context.tags(properties, "AccessPointTags")),
            **pick(properties, "FileSystemId", "PosixUser", "RootDirectory"),
        )
        return Made(point["AccessPointId"], {"AccessPointId": point["AccessPointId"], "Arn": point["AccessPointArn"]})

    def delete(self, context, made, properties):
        context.efs.delete_access_point(AccessPointId=made.physical_id)


@resource("AWS::IAM::Role")
class Role(Type):
    updatable = frozenset(
        {"AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns", "Description", "MaxSessionDuration", "Tags"}
    )

    def create(self, context, properties):
        name = properties.get("RoleName") or context.name(64)
        role = context.iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            Tags=context.tags(properties),
            **pick(properties, "Path", "Description"),
        )["Role"]
        made = Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})
        self._policies(context, name, {}, properties)
        return made

    def _policies(self, context, name, old, new):
        for policy in old.get("Policies", []):
            context.iam.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])
        for policy in new.get("Policies", []):
            context.iam.put_role_policy(
                RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"])
            )
        for arn in old.get("ManagedPolicyArns", []):
            context.iam.detach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in new.get("ManagedPolicyArns", []):
            context.iam.attach_role_policy(RoleName=name, PolicyArn=arn)

    def update(self, context, made, old, new):
        context.iam.update_assume_role_policy(
            RoleName=made.physical_id, PolicyDocument=json.dumps(new["AssumeRolePolicyDocument"])
        )
        context.iam.tag_role(RoleName=made.physical_id, Tags=plain(context.tags(new)))
        self._policies(context, made.physical_id, old, new)

    def delete(self, context, made, properties):
        self._policies(context, made.physical_id, properties, {})
        context.iam.delete_role(RoleName=made.physical_id)


@resource("AWS::IAM::Policy")
class Policy(Type):
    updatable = frozenset({"PolicyDocument", "Roles"})

    def create(self, context, properties):
        made = Made(properties["PolicyName"])
        self.update(context, made, {}, properties)
        return made

    def update(self, context, made, old, new):
        for role in set(old.get("Roles", [])) - set(new.get("Roles", [])):
            context.iam.delete_role_policy(RoleName=role, PolicyName=old["PolicyName"])
        for role in new.get("Roles", []):
            context.iam.put_role_policy(
                RoleName=role, PolicyName=new["PolicyName"], PolicyDocument=json.dumps(new["PolicyDocument"])
            )

    def delete(self, context, made, properties):
        for role in properties.get("Roles", []):
            context.iam.delete_role_policy(RoleName=role, PolicyName=properties["PolicyName"])


@resource("AWS::IAM::InstanceProfile")
class InstanceProfile(Type):
    def create(self, context, properties):
        name = properties.get("InstanceProfileName") or context.name(128)
        profile = context.iam.create_instance_profile(InstanceProfileName=name, **pick(properties, "Path"))[
            "InstanceProfile"
        ]
        for role in properties["Roles"]:
            context.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
        return Made(name, {"Arn": profile["Arn"]})

    def delete(self, context, made, properties):
        for role in properties["Roles"]:
            context.iam.remove_role_from_instance_profile(InstanceProfileName=made.physical_id, RoleName=role)
        context.iam.delete_instance_profile(InstanceProfileName=made.physical_id)


@resource("AWS::Logs::LogGroup")
class LogGroup(Type):
    updatable = frozenset({"RetentionInDays", "Tags"})

    def create(self, context, properties):
        name = properties.get("LogGroupName") or context.name(512)
        context.logs.create_log_group(logGroupName=name)
        made = Made(name, {"Arn": f"arn:aws:logs:{context.region.name}:{context.region.account}:log-group:{name}:*"})
        self.update(context, made, {}, properties)
        return made

    def update(self, context, made, old, new):
        tags = {tag["Key"]: tag["Value"] for tag in plain(context.tags(new))}
        if tags:
            context.logs.tag_log_group(logGroupName=made.physical_id, tags=tags)
        if "RetentionInDays" in new:
            context.logs.put_retention_policy(logGroupName=made.physical_id, retentionInDays=new["RetentionInDays"])

    def delete(self, context, made, properties):
        context.logs.delete_log_group(logGroupName=made.physical_id)


@resource("AWS::SecretsManager::Secret")
class Secret(Type):
    updatable = frozenset({"Tags", "Description"})

    def create(self, context, properties):
        arn = context.secretsmanager.create_secret(
            Name=properties.get("Name") or context.name(),
            SecretString=secret_string(properties),
            Tags=plain(context.tags(properties)),
        )["ARN"]
        return Made(arn, {"Id": arn})

    def update(self, context, made, old, new):
        context.secretsmanager.tag_resource(SecretId=made.physical_id, Tags=plain(context.tags(new)))

    def delete(self, context, made, properties):
        context.secretsmanager.delete_secret(SecretId=made.physical_id, ForceDeleteWithoutRecovery=True)


def secret_string(properties):
    if "SecretString" in properties:
        return properties["SecretString"]
    how = properties.get("GenerateSecretString", {})
    letters = (
        string.ascii_letters + string.digits + ("" if how.get("ExcludePunctuation") else "!#$%&*+,-./:;<=>?@[]^_{|}~")
    )
    letters = [letter for letter in letters if letter not in how.get("ExcludeCharacters", "")]
    password = "".join(random.choices(letters, k=int(how.get("PasswordLength", 32))))
    if "SecretStringTemplate" not in how:
        return password
    return json.dumps({**json.loads(how["SecretStringTemplate"]), how["GenerateStringKey"]: password})


@resource("AWS::SecretsManager::SecretTargetAttachment")
class SecretTargetAttachment(Type):
    """Adds to a secret how its database is reached."""

    def create(self, context, properties):
        secret = properties["SecretId"]
        found = context.rds.describe_db_instances(DBInstanceIdentifier=properties["TargetId"])["DBInstances"][0]
        value = json.loads(context.secretsmanager.get_secret_value(SecretId=secret)["SecretString"])
        value |= {
            "engine": found["Engine"],
            "host": found["Endpoint"]["Address"],
            "port": found["Endpoint"]["Port"],
            "dbInstanceIdentifier": found["DBInstanceIdentifier"],
        }
        if found.get("DBName"):
            value["dbname"] = found["DBName"]
        context.secretsmanager.put_secret_value(SecretId=secret, SecretString=json.dumps(value))
        return Made(secret, {"Id": secret})

    def delete(self, context, made, properties):
        pass


@resource("AWS::RDS::DBSubnetGroup")
class DbSubnetGroup(Type):
    def create(self, context, properties):
        name = (properties.get("DBSubnetGroupName") or context.name(255)).lower()
        context.rds.create_db_subnet_group(
            DBSubnetGroupName=name,
            DBSubnetGroupDescription=properties["DBSubnetGroupDescription"],
            SubnetIds=properties["SubnetIds"],
            Tags=context.tags(properties),
        )
        return Made(name)

    def delete(self, context, made, properties):
        context.rds.delete_db_subnet_group(DBSubnetGroupName=made.physical_id)


@resource("AWS::RDS::DBInstance")
class DbInstance(Type):
    updatable = frozenset(
        {
            "DBInstanceClass", "AllocatedStorage", "MultiAZ", "BackupRetentionPeriod", "DeletionProtection", "EngineVersion",
            "MaxAllocatedStorage", "VPCSecurityGroups", "Tags", "CopyTagsToSnapshot", "AutoMinorVersionUpgrade",
            "AllowMajorVersionUpgrade",
        }
    )  # fmt: skip
    renamed = {"VPCSecurityGroups": "VpcSecurityGroupIds"}
    #: When each instance is `available`.
    ready = {}

    def _given(self, properties, left_out=()):
        return {
            self.renamed.get(key, key): it
            for key, it in properties.items()
            if key not in ("Tags", "DBInstanceIdentifier", *left_out)
        }

    def create(self, context, properties):
        name = (properties.get("DBInstanceIdentifier") or context.name(63)).lower()
        context.rds.create_db_instance(
            DBInstanceIdentifier=name,
            Tags=context.tags(properties),
            **self._given(
                properties, ("DeleteAutomatedBackups", "UseDefaultProcessorFeatures", "AllowMajorVersionUpgrade")
            ),
        )
        self.ready[name] = time.monotonic() + CREATION_SECONDS
        found = context.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        attributes = {
            "Endpoint.Address": found["Endpoint"]["Address"],
            "Endpoint.Port": str(found["Endpoint"]["Port"]),
            "DBInstanceArn": found["DBInstanceArn"],
            "DbiResourceId": found.get("DbiResourceId"),
        }
        if found.get("MasterUserSecret"):
            attributes["MasterUserSecret.SecretArn"] = found["MasterUserSecret"]["SecretArn"]
        return Made(name, attributes)

    def update(self, context, made, old, new):
        """The handler sends what differs, and of the flag what the template says (Translator.modifyDbInstanceRequest)."""
        flag = pick(new, "AllowMajorVersionUpgrade")
        changed = {key: it for key, it in new.items() if key not in ("Tags", *flag) and old.get(key) != it}
        if changed:
            context.rds.modify_db_instance(
                DBInstanceIdentifier=made.physical_id, ApplyImmediately=True, **flag, **self._given(changed)
            )
        context.rds.add_tags_to_resource(ResourceName=made.attribute("DBInstanceArn"), Tags=plain(context.tags(new)))

    def settled(self, context, made, properties):
        return time.monotonic() >= self.ready[made.physical_id]

    def delete(self, context, made, properties):
        context.rds.delete_db_instance(DBInstanceIdentifier=made.physical_id, SkipFinalSnapshot=True)

    def snapshot(self, context, made, properties):
        context.rds.delete_db_instance(
            DBInstanceIdentifier=made.physical_id,
            SkipFinalSnapshot=False,
            FinalDBSnapshotIdentifier=context.name(255).lower(),
        )


@resource("AWS::CDK::Metadata")
class CdkMetadata(Type):
    updatable = frozenset({"Analytics"})

    def create(self, context, properties):
        return Made(context.name())

    def update(self, context, made, old, new):
        pass

    def delete(self, context, made, properties):
        pass
