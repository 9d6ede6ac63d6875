"""
RDS beyond moto: how long major versions are supported, and that one which is not supported any more is refused where Extended
Support is disabled; which changes of a version it refuses; and what cannot be deleted while a database uses it.

Dates: "Supported MySQL major versions on Amazon RDS" and "Release calendars for Amazon RDS for PostgreSQL", read in November 2026.
"""

from datetime import datetime, timezone

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.rds.exceptions import InvalidParameterCombination, RDSClientError
from moto.rds.models import rds_backends
from moto.rds.responses import RDSResponse

#: The end of RDS' standard support.
SUPPORTED_UNTIL = {
    "mysql": {"5.7": "2024-02-29", "8.0": "2026-07-31", "8.4": "2029-07-31"},
    "postgres": {
        "13": "2026-02-28", "14": "2027-02-28", "15": "2028-02-29", "16": "2029-02-28", "17": "2030-02-28",
    },
}  # fmt: skip
CLASSES = ("db.t4g.medium", "db.t4g.large", "db.m7g.large")


def install():
    RDSResponse.describe_db_major_engine_versions = describe_db_major_engine_versions
    RDSResponse.describe_orderable_db_instance_options = describe_orderable_db_instance_options
    create = RDSResponse.create_db_instance

    def create_db_instance(self):
        engine, version = self.params.get("Engine"), self.params.get("EngineVersion", "")
        disabled = self.params.get("EngineLifecycleSupport") == "open-source-rds-extended-support-disabled"
        if disabled and is_over(engine, version):
            raise InvalidParameterCombination(
                f"The engine version {version} of {engine} is past its end of standard support, and Extended Support is disabled."
            )
        return create(self)

    RDSResponse.create_db_instance = create_db_instance
    install_refusals()


def install_refusals():
    modify, delete_subnets = RDSResponse.modify_db_instance, RDSResponse.delete_db_subnet_group
    delete_group, delete_subnet = EC2Response.delete_security_group, EC2Response.delete_subnet

    def modify_db_instance(self):
        version = self.params.get("EngineVersion")
        if version:
            database = self.backend.describe_db_instances(self.params["DBInstanceIdentifier"])[0]
            check_version(
                database.engine, database.engine_version, version, self.params.get("AllowMajorVersionUpgrade")
            )
        return modify(self)

    def delete_db_subnet_group(self):
        name = self.params["DBSubnetGroupName"]
        for database in self.backend.databases.values():
            if database.db_subnet_group and database.db_subnet_group.name == name:
                raise RDSClientError(
                    "InvalidDBSubnetGroupStateFault",
                    f"Cannot delete the subnet group '{name}' because at least one database instance: {database.db_instance_identifier} is still using it.",
                )
        return delete_subnets(self)

    def delete_security_group(self):
        group = self._get_param("GroupId")
        if any(group in database.vpc_security_group_ids for database in databases_in(self.region)):
            raise EC2ClientError("DependencyViolation", f"resource {group} has a dependent object")
        return delete_group(self)

    def delete_subnet_without_database(self):
        subnet = self._get_param("SubnetId")
        for database in databases_in(self.region):
            if database.db_subnet_group and subnet in [it.id for it in database.db_subnet_group._subnets]:
                raise EC2ClientError(
                    "DependencyViolation", f"The subnet '{subnet}' has dependencies and cannot be deleted."
                )
        return delete_subnet(self)

    RDSResponse.modify_db_instance = modify_db_instance
    RDSResponse.delete_db_subnet_group = delete_db_subnet_group
    EC2Response.delete_security_group = delete_security_group
    EC2Response.delete_subnet = delete_subnet_without_database


def databases_in(region):
    return list(rds_backends[DEFAULT_ACCOUNT_ID][region].databases.values())


def check_version(engine, now, wanted, allowed):
    """By the words of RDS' own refusals."""
    before, after = ([int(part) for part in version.split(".")] for version in (now, wanted))
    common = min(len(before), len(after))
    if before[:common] > after[:common]:
        raise InvalidParameterCombination(f"Cannot upgrade {engine} from {now} to {wanted}")
    parts = 2 if engine == "mysql" else 1
    if before[:parts] != after[:parts] and str(allowed).lower() != "true":
        raise InvalidParameterCombination(
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        )


def until(engine, version):
    for major, date in SUPPORTED_UNTIL.get(engine, {}).items():
        if version == major or version.startswith(f"{major}."):
            return datetime.fromisoformat(date).replace(tzinfo=timezone.utc)
    return None


def is_over(engine, version):
    end = until(engine, version)
    return end is not None and end < datetime.now(timezone.utc)


def describe_db_major_engine_versions(self):
    engine = self.params.get("Engine")
    versions = [
        {
            "Engine": engine,
            "MajorEngineVersion": major,
            "SupportedEngineLifecycles": [
                {
                    "LifecycleSupportName": "open-source-rds-standard-support",
                    "LifecycleSupportStartDate": datetime(2018, 1, 1, tzinfo=timezone.utc),
                    "LifecycleSupportEndDate": until(engine, major),
                }
            ],
        }
        for major in SUPPORTED_UNTIL.get(engine, {})
    ]
    return ActionResult({"DBMajorEngineVersions": versions})


def describe_orderable_db_instance_options(self):
    """Each major version by its first minor one, and each class in all zones."""
    engine, asked = self.params.get("Engine"), self.params.get("DBInstanceClass")
    zones = [{"Name": f"{self.region}{letter}"} for letter in "abc"]
    options = [
        {"Engine": engine, "EngineVersion": f"{major}.1", "DBInstanceClass": asked, "AvailabilityZones": zones}
        for major in SUPPORTED_UNTIL.get(engine, {})
        if asked in CLASSES
    ]
    return ActionResult({"OrderableDBInstanceOptions": options})
