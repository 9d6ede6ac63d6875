"""
An AWS region on one port: moto's server, with what moto lacks of what Prestage uses. `server.py --region NAME`: prints its port as
the first line, and ends when its standard input does.

/_region/… is for tests: what was asked for, faults, states, and what the guests need to know.
"""

import argparse
import json
import os
import re
import sys
import threading

os.environ.setdefault("MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS", "true")

import boto3
import moto.backends
from botocore.config import Config
from moto.cloudformation import urls
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

import balancers
import buckets
import cloudformation
import databases
import file_systems
import instances
import quotas
import types_machines  # noqa: F401
import types_network  # noqa: F401
import types_storage  # noqa: F401
from faults import Traffic
from machines import credentials, machines
from types_waiting import Refused, take_signal


class Region:
    def __init__(self, name):
        self.name = name
        self.account = DEFAULT_ACCOUNT_ID
        self.endpoint = ""
        self.handle_bucket = f"cloudformation-waitcondition-{name}"
        self.stacks = []
        self.handles = {}
        self.consoles = {}
        self.machine_facts = {}
        self.balancer_addresses = {}
        self.failures = []
        self.quotas = {}
        #: For how long EC2 does not know an instance by its id, and why it gives up the next launches, one after the other.
        self.unknown_ms = 0
        self.given_up = []
        self.launching = threading.Lock()
        self._clients = {}
        self._making = threading.Lock()

    def client(self, service):
        """What CloudFormation and other parts of AWS ask its services by."""
        with self._making:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,
                    region_name=self.name,
                    endpoint_url=self.endpoint,
                    aws_access_key_id="REGION",
                    aws_secret_access_key="REGION",
                    config=Config(
                        retries={"total_max_attempts": 1}, max_pool_connections=50, s3={"addressing_style": "path"}
                    ),
                )
                events = self._clients[service].meta.events
                events.register("provide-client-params", lambda params, model, **_: coerced(model.input_shape, params))
            return self._clients[service]

    def resolve(self, service, reference):
        """A dynamic reference of a template: `{{resolve:service:reference}}`."""
        if service.startswith("ssm"):
            return self.client("ssm").get_parameter(Name=reference.split(":")[0], WithDecryption=True)["Parameter"][
                "Value"
            ]
        secret, _, rest = reference.partition(":SecretString:")
        value = self.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        return json.loads(value)[rest.split(":")[0]] if rest else value

    def inject(self, stack, live, verb):
        """Fails what a test wants to see failing."""
        for failure in self.failures:
            if (
                failure["verb"] == verb
                and re.search(failure["resource"], live.logical_id)
                and failure.get("times") != 0
            ):
                if "times" in failure:
                    failure["times"] -= 1
                raise Refused(failure["reason"])


def coerced(shape, value):
    """CloudFormation takes "20" and "true" for numbers and booleans, and the other way round."""
    kind = shape.type_name if shape else None
    if kind == "structure" and isinstance(value, dict):
        return {key: coerced(shape.members.get(key), it) for key, it in value.items()}
    if kind == "list" and isinstance(value, list):
        return [coerced(shape.member, it) for it in value]
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if kind == "string" and isinstance(value, (int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


class Handler(MotoRequestHandler):
    def connection_dropped(self, error, environ=None):
        """There is no next request on a connection that was cut."""
        self.close_connection = True

    def log_request(self, code="-", size="-"):
        pass


class Server:
    def __init__(self, region):
        self.region = region
        self.traffic = Traffic()
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_region/"):
            return self.control(Request(environ))(environ, start_response)
        if path.startswith(f"/{self.region.handle_bucket}/"):
            status, body = take_signal(self.region.handles, Request(environ))
            return Response(body, status)(environ, start_response)
        if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".LookupEvents"):
            # The CDK looks into CloudTrail for what a failed deployment was refused with; moto has none.
            return Response('{"Events":[]}', content_type="application/x-amz-json-1.1")(environ, start_response)
        if "HTTP_AUTHORIZATION" not in environ and path == "/":
            return Response(status=403)(environ, start_response)
        return self.traffic.handle(environ, start_response, self.moto)

    def control(self, request):
        _, _, what, *rest = request.path.split("/")
        given = request.get_json() if request.method == "POST" else None
        try:
            answer = getattr(self, f"{request.method.lower()}_{what}")(*([given] if given is not None else []), *rest)
        except file_systems.NoMount as error:
            return Response(str(error), 409)
        return Response(json.dumps(answer, default=str), content_type="application/json")

    def get_calls(self):
        return [call for call in self.traffic.calls if not call["own"]]

    def post_faults(self, given):
        self.traffic.faults = given

    def post_failures(self, given):
        self.region.failures = given

    def post_quotas(self, given):
        self.region.quotas = given

    def post_targets(self, given):
        self.region.unhealthy_targets = given["unhealthy"]

    def post_launches(self, given):
        self.region.unknown_ms = given.get("unknownMs", 0)
        self.region.given_up = given.get("givenUp", [])

    def post_stacks(self, given, name):
        """Puts a stack into a state; one that is not there is begun."""
        found = [it for it in self.region.stacks if it.name == name and it.status != "DELETE_COMPLETE"]
        if not found:
            found = [cloudformation.Stack(self.region, name, {})]
            self.region.stacks.append(found[0])
        found[-1].to(given["status"], given.get("reason"))

    def get_machines(self):
        return machines(self.region)

    def get_credentials(self, instance):
        return credentials(self.region, instance)

    def post_shutdown(self, given, instance):
        backend = moto.backends.get_backend("ec2")[self.region.account][self.region.name]
        instances.shut_down(backend.get_instance(instance))

    def post_console(self, given, instance):
        self.region.consoles[instance] = given["text"]

    def post_mount(self, given, instance):
        return file_systems.mount(self.region, instance, given["fileSystem"], given["path"], given["options"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--region", required=True)
    region = Region(parser.parse_args().region)
    cloudformation.CloudFormation.emulated = region
    urls.url_paths = {"{0}/$": cloudformation.CloudFormation.dispatch}
    balancers.install(region)
    buckets.install()
    databases.install()
    instances.install(region)
    quotas.install(region)
    server = make_server("127.0.0.1", 0, Server(region), threaded=True, request_handler=Handler)
    region.endpoint = f"http://127.0.0.1:{server.port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
