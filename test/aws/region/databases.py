"""
RDS beyond moto: how long major versions are supported, and that one which is not supported any more is refused where Extended
Support is disabled.

Dates: "Supported MySQL major versions on Amazon RDS" and "Release calendars for Amazon RDS for PostgreSQL", read in November 2026.
"""

from datetime import datetime, timezone

from moto.core.responses import ActionResult
from moto.rds.exceptions import InvalidParameterCombination
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
