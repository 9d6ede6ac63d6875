"""
EC2 beyond moto: RunInstances that is idempotent by its client token, that takes from a launch template all that it says, and
instances that end themselves, that EC2 gives up, or that it does not know yet ("Eventual consistency in the Amazon EC2 API").
"""

import json
import threading
import time

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError, InvalidInstanceIdError
from moto.ec2.models.instances import StateReason
from moto.ec2.responses import EC2Response

#: What a request says goes before what its launch template says ("Request values override").
FROM_TEMPLATE = (
    "ImageId", "InstanceType", "KeyName", "UserData", "IamInstanceProfile", "MetadataOptions", "Monitoring", "EbsOptimized",
    "InstanceInitiatedShutdownBehavior", "DisableApiTermination", "SecurityGroupIds", "NetworkInterfaces",
)  # fmt: skip
TOKENS = {}
LAUNCHED = {}


class IdempotentParameterMismatch(EC2ClientError):
    def __init__(self, token):
        super().__init__(
            "IdempotentParameterMismatch",
            f"Arguments on this idempotent request are inconsistent with arguments used in previous request(s). ClientToken: {token}",
        )


class InvalidCombination(EC2ClientError):
    def __init__(self):
        super().__init__(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level subnet ID may not be specified on the same request",
        )


def run_instances(self):
    """
    The same token with the same parameters gives the instance that it gave before, whatever became of it; with others it is an
    error ("Ensuring idempotency in Amazon EC2 API requests").
    """
    token = self._get_param("ClientToken")
    asked = json.dumps(self.params, sort_keys=True, default=str)
    with self.emulated.launching:
        if token and token in TOKENS:
            before, reservation = TOKENS[token]
            if before != asked:
                raise IdempotentParameterMismatch(token)
            return ActionResult(reservation)
        merge_launch_template(self)
        answer = moto_run_instances(self)
        reservation = answer.result
        for instance in reservation.instances:
            instance.disable_api_termination = bool(self._get_param("DisableApiTermination"))
            LAUNCHED[instance.id] = time.monotonic()
            if self.emulated.given_up:
                threading.Timer(0.3, give_up, (instance, self.emulated.given_up.pop(0))).start()
        if token:
            TOKENS[token] = (asked, reservation)
        return answer


def merge_launch_template(self):
    spec = self._get_param("LaunchTemplate")
    if not spec:
        return
    data = self.ec2_backend._get_template_from_args({"Version": "$Default", **spec}).data
    # A version, once chosen, for all that moto takes from it itself.
    self.params["LaunchTemplate"] = {"Version": "$Default", **spec}
    for name in FROM_TEMPLATE:
        if name in data and data[name] is not None and not self._get_param(name):
            value = data[name]
            self.params[name] = value.as_bytes().decode() if isinstance(value, Base64EncodedString) else value
    if self._get_param("SubnetId") and data.get("NetworkInterfaces"):
        raise InvalidCombination


def known(call):
    """For a while after its launch, who asks for an instance by its id is told that there is none."""

    def asked(self):
        for instance in self._get_param("InstanceIds", []):
            age = time.monotonic() - LAUNCHED.get(instance, 0)
            if age < self.emulated.unknown_ms / 1000 and not self.get_access_key().startswith("REGION"):
                raise InvalidInstanceIdError(instance)
        return call(self)

    return asked


def give_up(instance, reason):
    """What becomes of a launch that EC2 took, and then could not carry out."""
    instance.terminate()
    instance._reason = ""
    instance.state_reason = StateReason(f"{reason['code']}: {reason['message']}", reason["code"])


def get_console_output(self):
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    text = self.emulated.consoles.get(instance.id)
    output = {"Output": Base64EncodedString.from_raw_string(text)} if text else {}
    return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), **output})


def shut_down(instance):
    """What `shutdown` inside a machine does to its instance: InstanceInitiatedShutdownBehavior."""
    if instance.state == "terminated":
        return
    instance.terminate() if instance.instance_initiated_shutdown_behavior == "terminate" else instance.stop()
    instance._reason = ""
    instance.state_reason = StateReason(
        "Client.InstanceInitiatedShutdown: Instance initiated shutdown", "Client.InstanceInitiatedShutdown"
    )


def install(region):
    EC2Response.emulated = region
    EC2Response.run_instances = run_instances
    EC2Response.describe_instances = known(EC2Response.describe_instances)
    EC2Response.terminate_instances = known(EC2Response.terminate_instances)
    EC2Response.get_console_output = get_console_output
    # moto says of every instance that it is pending, which is so the first time alone.
    state = "RunInstances.Reservation.Instances.Instance.State"
    EC2Response.RESPONSE_KEY_PATH_TO_TRANSFORMER = {
        **EC2Response.RESPONSE_KEY_PATH_TO_TRANSFORMER,
        state: lambda it: {"Code": 0, "Name": "pending"} if it.name == "running" else it,
    }


moto_run_instances = EC2Response.run_instances
