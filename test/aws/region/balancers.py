"""
Network load balancers beyond moto: how long a target takes until connections come to it, and until none do any more. README.md has
the sources of these numbers; a minute there is a second here.
"""

import time

import moto.backends
from moto.elbv2.models import ELBv2Backend, FakeTargetGroup

SCALE = 60
#: From its registration until the first connection reaches a target, in seconds there.
REGISTRATION = 180
#: From its deregistration until the last new connection has reached it, whatever the deregistration delay is.
DEREGISTRATION = 150
DELAY = "deregistration_delay.timeout_seconds"


def install(region):
    region.unhealthy_targets = False
    register, deregister = FakeTargetGroup.register, FakeTargetGroup.deregister
    terminated, health_for = FakeTargetGroup.deregister_terminated_instances, FakeTargetGroup.health_for

    def times(self):
        """Since when each target is in the group, and since when those that left are not."""
        return self.__dict__.setdefault("_since", {}), self.__dict__.setdefault("_left", {})

    def register_at(self, targets):
        since, left = times(self)
        known = set(self.targets)
        register(self, targets)
        for it in targets:
            if it["Id"] not in known:
                since[it["Id"]] = now()
                left.pop(it["Id"], None)

    def leave(self, ids):
        since, left = times(self)
        for it in ids:
            if it in self.targets:
                since.pop(it, None)
                left[it] = now()

    def deregister_registered(self, targets):
        """One that is not registered any more is deregistered without an error, as the API's reference notes."""
        targets = [target for target in targets if target["Id"] in self.targets]
        leave(self, [target["Id"] for target in targets])
        deregister(self, targets)

    def deregister_terminated(self, instance_ids):
        leave(self, instance_ids)
        terminated(self, instance_ids)

    def health(self, target, ec2_backend):
        since, _ = times(self)
        found = health_for(self, target, ec2_backend)
        if target["Id"] in self.targets:
            if now() - since.get(target["Id"], 0) < REGISTRATION:
                found.status, found.reason = "initial", "Elb.RegistrationInProgress"
                found.description = "Target registration is in progress"
            elif region.unhealthy_targets:
                found.status, found.reason, found.description = (
                    "unhealthy",
                    "Target.FailedHealthChecks",
                    "Health checks failed",
                )
        elif is_draining(self, target["Id"]):
            found.status, found.reason = "draining", "Target.DeregistrationInProgress"
            found.description = "Target deregistration is in progress"
        return found

    def is_draining(self, target):
        _, left = times(self)
        return now() - left.get(target, float("-inf")) < float(self.attributes.get(DELAY, 300))

    def describe(self, target_group_arn, targets):
        """Those that are draining are told of with the others."""
        group = self.target_groups.get(target_group_arn)
        if group and not targets:
            leaving = [{"Id": it, "Port": group.port} for it in times(group)[1] if is_draining(group, it)]
            targets = [*group.targets.values(), *leaving]
            if not targets:
                return []
        return described(self, target_group_arn, targets)

    described = ELBv2Backend.describe_target_health
    FakeTargetGroup.register = register_at
    FakeTargetGroup.deregister = deregister_registered
    FakeTargetGroup.deregister_terminated_instances = deregister_terminated
    FakeTargetGroup.health_for = health
    ELBv2Backend.describe_target_health = describe


def now():
    return time.monotonic() * SCALE


def rotation(region, arn):
    """The targets that connections go to now: those that have come, healthy or not, and those that have not quite gone."""
    group = moto.backends.get_backend("elbv2")[region.account][region.name].target_groups[arn]
    since, left = group.__dict__.get("_since", {}), group.__dict__.get("_left", {})
    come = [it for it, at in since.items() if now() - at >= REGISTRATION]
    going = [it for it, at in left.items() if now() - at < DEREGISTRATION]
    return [*come, *going], group.port
