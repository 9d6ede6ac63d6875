"""Quotas: what moto knows of, EC2's that it does not, and what a test says instead."""

from moto.servicequotas.models import ServiceQuotasBackend

#: Of a new account: Elastic IPs, vCPUs of on-demand standard instances.
DEFAULTS = {"ec2/L-0263D0A3": 5.0, "ec2/L-1216C47A": 5.0}


def install(region):
    known = ServiceQuotasBackend.get_service_quota

    def get_service_quota(self, service_code, quota_code):
        value = {**DEFAULTS, **region.quotas}.get(f"{service_code}/{quota_code}")
        if value is None:
            return known(self, service_code, quota_code)
        return {"ServiceCode": service_code, "QuotaCode": quota_code, "Value": value}

    ServiceQuotasBackend.get_service_quota = get_service_quota
