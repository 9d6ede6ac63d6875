"""Load balancers beyond moto: a target that is not registered any more is deregistered without an error, as the API's reference notes."""

from moto.elbv2.models import FakeTargetGroup


def install():
    deregister = FakeTargetGroup.deregister

    def deregister_registered(self, targets):
        deregister(self, [target for target in targets if target["Id"] in self.targets])

    FakeTargetGroup.deregister = deregister_registered
