"""Which call a request is, a list of those that were made, and faults that a test has asked for."""

import io
import os
import re
import socket
import struct
import threading
import time
from urllib.parse import parse_qs

#: How each protocol says that credentials are too old, or that it has too much to do.
ANSWERS = {
    "expired": {"s3": (400, "ExpiredToken"), "ec2": (400, "RequestExpired"), "": (403, "ExpiredToken")},
    "slow-down": {"s3": (503, "SlowDown"), "ec2": (503, "RequestLimitExceeded"), "": (400, "Throttling")},
    "unavailable": {"s3": (503, "ServiceUnavailable"), "ec2": (503, "Unavailable"), "": (503, "ServiceUnavailable")},
    "denied": {"s3": (403, "AccessDenied"), "ec2": (403, "UnauthorizedOperation"), "": (403, "AccessDenied")},
}
SAID = {
    "expired": "The provided token has expired.",
    "slow-down": "Please reduce your request rate.",
    "unavailable": "The service is unavailable. Please try again shortly.",
    "denied": "You are not authorized to perform this operation.",
}


class Traffic:
    def __init__(self):
        self.calls = []
        self.faults = []
        self.lock = threading.Lock()
        self.conditional = threading.Lock()

    def handle(self, environ, start_response, app):
        if "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MATCH" in environ:
            # moto looks, and writes then: of two writes at once that may not both succeed, both would.
            with self.conditional:
                return self._handle(environ, start_response, app)
        return self._handle(environ, start_response, app)

    def _handle(self, environ, start_response, app):
        call = call_of(environ)
        fault = self._note(call)
        effect = fault["effect"] if fault else None
        if effect == "reset":
            return reset(environ)
        if effect in ANSWERS:
            return answer(call, effect, environ, start_response)
        if effect in ("late", "lost"):
            # All that the call does is done before its answer is waited for.
            said = []
            body = b"".join(app(environ, lambda status, headers, *rest: said.extend((status, headers))))
            time.sleep(fault.get("ms", 0) / 1000)
            if effect == "lost":
                return reset(environ)
            start_response(*said)
            return [body]
        return app(environ, start_response)

    def _note(self, call):
        with self.lock:
            self.calls.append(call)
            for fault in self.faults:
                if call["own"] or not matches(fault, call):
                    continue
                if fault.get("skip", 0) > 0:
                    fault["skip"] -= 1
                    continue
                if fault.get("times") == 0:
                    continue
                if "times" in fault:
                    fault["times"] -= 1
                call["fault"] = fault["effect"]
                return fault
        return None


def matches(fault, call):
    return all(fault[key] == call[key] for key in ("service", "action", "accessKey") if key in fault) and (
        "path" not in fault or re.search(fault["path"], call["path"])
    )


def call_of(environ):
    scope = re.search(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    access_key, service = scope.groups() if scope else ("", "s3")
    path = environ.get("PATH_INFO", "/")
    if service == "elasticfilesystem" or service == "route53":
        action = f"{environ['REQUEST_METHOD']} {path}"
    else:
        action = s3_action(environ, path) if service == "s3" else named_action(environ)
    return {
        "time": time.time(),
        "service": service,
        "action": action,
        "path": path,
        "accessKey": access_key,
        # Made by CloudFormation, or by what stands for other parts of AWS.
        "own": access_key.startswith("REGION"),
    }


def named_action(environ):
    if "HTTP_X_AMZ_TARGET" in environ:
        return environ["HTTP_X_AMZ_TARGET"].split(".")[-1]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return parse_qs(body.decode(errors="replace")).get("Action", [""])[0]


def s3_action(environ, path):
    method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
    if "/" not in path.strip("/"):
        return {"GET": "ListObjectsV2", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(
            method, "DeleteObjects"
        )
    if "uploadId=" in query:
        return {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}.get(
            method, "ListParts"
        )
    return "CreateMultipartUpload" if "uploads" in query else f"{method.title()}Object"


def reset(environ):
    """The connection is gone, without a word."""
    connection = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Closing the object would wait for the files that werkzeug has over it.
    os.close(connection.detach())
    raise ConnectionResetError


def answer(call, effect, environ, start_response):
    # The request is read to its end, or its sender may not look at the answer.
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    status, code = ANSWERS[effect].get(call["service"], ANSWERS[effect][""])
    text = SAID[effect]
    if "HTTP_X_AMZ_TARGET" in environ:
        body, kind = f'{{"__type":"{code}Exception","message":"{text}"}}', "application/x-amz-json-1.1"
    elif call["service"] == "s3":
        body, kind = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>", "application/xml"
    elif call["service"] == "ec2":
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors></Response>"
        kind = "text/xml"
    else:
        body, kind = (
            f"<ErrorResponse><Error><Code>{code}</Code><Message>{text}</Message></Error></ErrorResponse>",
            "text/xml",
        )
    start_response(f"{status} {code}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body.encode()]
