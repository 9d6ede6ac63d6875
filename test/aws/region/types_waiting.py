"""
Wait conditions: a handle is a presigned URL of a bucket of CloudFormation's, one in each region, to which anybody who has it PUTs
JSON of Status, Reason, UniqueId and Data.
"""

import hashlib
import json
import time
import uuid
from urllib.parse import quote, unquote

from resources import Made, Type, resource


class Handle:
    def __init__(self, url):
        self.url = url
        self.signals = {}


class Refused(Exception):
    """A reason that CloudFormation gives as it is."""


@resource("AWS::CloudFormation::WaitConditionHandle")
class WaitConditionHandle(Type):
    def create(self, context, properties):
        region = context.region
        path = f"/{region.handle_bucket}/{quote(context.stack.id + '/' + context.logical_id, safe='/')}"
        signature = quote(hashlib.sha256(uuid.uuid4().bytes).hexdigest()[:27] + "=", safe="")
        url = f"{region.endpoint}{path}?Expires={int(time.time()) + 86400}&AWSAccessKeyId=AKIAHANDLE&Signature={signature}"
        region.handles[unquote(path)] = Handle(url)
        return Made(url)

    def delete(self, context, made, properties):
        context.region.handles.pop(unquote(made.physical_id.removeprefix(context.region.endpoint).split("?")[0]), None)


@resource("AWS::CloudFormation::WaitCondition")
class WaitCondition(Type):
    """
    Complete after Count signals of success with different ids; a signal of failure, or Timeout seconds without enough of them,
    fails the stack. Its timeout runs from its own creation. It cannot be updated.
    """

    updatable = frozenset({"Handle", "Timeout", "Count"})

    def create(self, context, properties):
        handle = next((it for it in context.region.handles.values() if it.url == properties["Handle"]), None)
        if handle is None:
            raise Refused(f"Invalid WaitCondition handle: {properties['Handle']}")
        made = Made(f"{context.stack.id}/{context.logical_id}")
        made.handle = handle
        made.until = time.monotonic() + int(properties.get("Timeout", 43200))
        made.attributes["Data"] = lambda: json.dumps({key: it.get("Data") for key, it in handle.signals.items()})
        return made

    def settled(self, context, made, properties):
        wanted = int(properties.get("Count", 1))
        signals = made.handle.signals
        for unique_id, signal in signals.items():
            if signal["Status"] == "FAILURE":
                raise Refused(
                    f"WaitCondition received failed message: '{signal.get('Reason')}' for uniqueId: {unique_id}"
                )
        if len(signals) >= wanted:
            return True
        if time.monotonic() > made.until:
            raise Refused(f"WaitCondition timed out. Received {len(signals)} conditions when expecting {wanted}")
        return False

    def update(self, context, made, old, new):
        raise Refused("Update to resource type AWS::CloudFormation::WaitCondition is not supported.")

    def delete(self, context, made, properties):
        pass


def take_signal(handles, request):
    """A PUT to a handle's URL. @returns status and body as S3 has them"""
    handle = handles.get(request.path)
    if handle is None or request.method != "PUT":
        return 404, "<Error><Code>NoSuchBucket</Code></Error>"
    # The signature is of version 2, which covers the content type: the URL is signed for none.
    if not request.url.endswith(handle.url.split("?")[1]) or request.headers.get("Content-Type"):
        return 403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"
    try:
        signal = json.loads(request.get_data())
        assert signal["Status"] in ("SUCCESS", "FAILURE") and signal["UniqueId"] and signal["Reason"]
    except (ValueError, KeyError, AssertionError, TypeError):
        # S3 takes anything; CloudFormation then says that the message is malformed.
        signal = {"Status": "FAILURE", "Reason": "WaitCondition received invalid message", "UniqueId": "none"}
    handle.signals.setdefault(signal["UniqueId"], signal)
    return 200, ""
