"""
Stacks, and what CloudFormation does with them: documented under "Stack status codes", "Update behaviors of stack resources",
"DeletionPolicy", "Continue rolling back an update".
"""

import json
import time
import uuid
from datetime import datetime, timezone

from botocore.exceptions import ClientError

from resources import Context, type_of
from templates import Evaluator, dependencies, dependency_order
from types_waiting import Refused

POLL_SECONDS = 0.03


class Stack:
    def __init__(self, region, name, tags):
        self.region = region
        self.name = name
        self.id = f"arn:aws:cloudformation:{region.name}:{region.account}:stack/{name}/{uuid.uuid4()}"
        self.tags = tags
        self.body = ""
        self.template = {"Resources": {}}
        self.parameters = {}
        self.status = "REVIEW_IN_PROGRESS"
        self.reason = None
        self.live = {}
        self.outputs = []
        self.events = []
        self.change_sets = {}
        self.created = now()
        self.updated = None
        self.protected = False
        self.token = None
        self.cancelled = False
        self.pending_rollback = None

    def to(self, status, reason=None):
        """The event comes first, so that whoever sees the status finds it."""
        self.event(self.name, self.id, "AWS::CloudFormation::Stack", status, reason)
        self.reason = reason
        self.status = status

    def event(self, logical_id, physical_id, type_name, status, reason=None, properties=None):
        self.events.append(
            {
                "StackId": self.id,
                "StackName": self.name,
                "EventId": str(uuid.uuid4()),
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": physical_id,
                "ResourceType": type_name,
                "Timestamp": now(),
                "ResourceStatus": status,
                **({"ResourceStatusReason": reason} if reason else {}),
                **({"ResourceProperties": json.dumps(properties)} if properties else {}),
                **({"ClientRequestToken": self.token} if self.token else {}),
            }
        )


class Live:
    """A resource of a stack, as it is there now."""

    def __init__(self, logical_id, type_name):
        self.logical_id = logical_id
        self.type_name = type_name
        self.made = None
        self.properties = {}
        self.tags = {}
        self.policies = {}
        self.status = "CREATE_IN_PROGRESS"
        self.reason = None
        self.changed = now()

    @property
    def physical_id(self):
        return self.made.physical_id if self.made else ""


class Failed(Exception):
    def __init__(self, verb, logical_ids):
        super().__init__(f"The following resource(s) failed to {verb}: [{', '.join(logical_ids)}]. ")


class Cancelled(Exception):
    pass


class Operation:
    """One creation, update or removal of a stack."""

    def __init__(self, stack):
        self.stack = stack
        #: Steps that put changed resources back as they were; the last one is done first.
        self.undo = []
        #: What is new, with whether another resource keeps its place in the stack.
        self.added = []
        #: What an update has put something else in the place of.
        self.replaced = []

    # Creation and update: what is new and what is changed, each after all that it depends on.

    def apply(self, template, parameters):
        stack = self.stack
        evaluator = evaluator_of(stack, template, parameters)
        wanted = evaluator.resources()
        todo, busy, done = dependency_order(wanted), [], set()
        try:
            while todo or busy:
                progress = False
                for name in list(todo):
                    if dependencies(wanted[name]) & wanted.keys() <= done:
                        self._check_cancelled()
                        todo.remove(name)
                        progress = True
                        live = self._begin(name, wanted[name], evaluator)
                        busy.append(live) if live else done.add(name)
                for live in list(busy):
                    if self._settled(live):
                        busy.remove(live)
                        done.add(live.logical_id)
                        progress = True
                self._check_cancelled()
                if not progress:
                    time.sleep(POLL_SECONDS)
        except (Failed, Cancelled):
            for live in busy:
                if live.status.endswith("_IN_PROGRESS"):
                    self._mark(live, live.status.replace("IN_PROGRESS", "FAILED"), "Resource creation cancelled")
            raise
        return evaluator

    def _check_cancelled(self):
        if self.stack.cancelled:
            raise Cancelled

    def _begin(self, name, resource, evaluator):
        """@returns the resource that now has to settle, or None where nothing is to be done"""
        stack = self.stack
        old = stack.live.get(name)
        policies = {key: resource.get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy")}
        type_name = resource["Type"]
        kind = type_of(type_name)
        try:
            properties = evaluator.value(resource.get("Properties", {}))
        except Exception as error:
            self._fail(old or Live(name, type_name), "create" if old is None else "update", error)
        if old is None:
            live = Live(name, type_name)
            live.policies = policies
            return self._create(live, properties)
        old.policies = policies
        changed = {key for key in {*properties, *old.properties} if properties.get(key) != old.properties.get(key)}
        if not changed and (old.tags == stack.tags or not is_tagged(kind)):
            return None
        return self._change(old, kind, properties, changed)

    def _create(self, live, properties):
        stack = self.stack
        stack.live[live.logical_id] = live
        self.added.append((live, False))
        live.properties, live.tags = properties, dict(stack.tags)
        self._mark(live, "CREATE_IN_PROGRESS")
        self._attempt(live, "create", lambda: type_of(live.type_name).create(self._context(live), properties))
        self._mark(live, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        return live

    def _change(self, live, kind, properties, changed):
        """In place where the type can; otherwise a new one is made, and the old one removed at the end."""
        old, old_tags = live.properties, live.tags
        if changed <= kind.updatable:
            self._mark(live, "UPDATE_IN_PROGRESS")
            self.undo.append(lambda: self._restore(live, kind, old, old_tags))
            self._attempt(live, "update", lambda: kind.update(self._context(live), live.made, old, properties))
            live.properties, live.tags = properties, dict(self.stack.tags)
            return live
        self._mark(
            live,
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        )
        former = Live(live.logical_id, live.type_name)
        former.made, former.properties, former.policies = (
            live.made,
            old,
            {"DeletionPolicy": live.policies.get("UpdateReplacePolicy")},
        )

        def put_back():
            new = Live(live.logical_id, live.type_name)
            new.made, new.properties = live.made, live.properties
            live.made, live.properties, live.tags = former.made, old, old_tags
            self._mark(live, "UPDATE_COMPLETE")
            if new.made is not former.made:
                self.added.append((new, True))

        self.undo.append(put_back)
        self._attempt(live, "update", lambda: kind.create(self._context(live), properties))
        live.properties, live.tags = properties, dict(self.stack.tags)
        self.replaced.append(former)
        self._mark(live, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        return live

    def _restore(self, live, kind, old, old_tags):
        self._mark(live, "UPDATE_IN_PROGRESS")
        self._attempt(live, "update", lambda: kind.update(self._context(live), live.made, live.properties, old))
        live.properties, live.tags = old, old_tags
        self._mark(live, "UPDATE_COMPLETE")

    def _attempt(self, live, verb, work):
        try:
            self.stack.region.inject(self.stack, live, verb)
            made = work()
            if made is not None:
                live.made = made
        except Exception as error:
            self._fail(live, verb, error)

    def _settled(self, live):
        try:
            if not type_of(live.type_name).settled(self._context(live), live.made, live.properties):
                return False
        except Exception as error:
            self._fail(live, live.status.split("_")[0].lower(), error)
        self._mark(live, live.status.replace("IN_PROGRESS", "COMPLETE"))
        return True

    def _fail(self, live, verb, error):
        self._mark(live, f"{verb.upper()}_FAILED", reason_of(error))
        raise Failed(verb, [live.logical_id]) from error

    def _mark(self, live, status, reason=None):
        self.stack.event(live.logical_id, live.physical_id, live.type_name, status, reason, live.properties)
        live.status, live.reason, live.changed = status, reason, now()

    def _context(self, live):
        return Context(self.stack.region, self.stack, live.logical_id)

    # Removal.

    def remove(self, live, creating=False, keep=False):
        """What its DeletionPolicy says becomes of it. `keep`: it leaves its place in the stack to another of its name."""
        stack = self.stack
        if live.made is None:
            stack.live.pop(live.logical_id, None)
            return
        policy = live.policies.get("DeletionPolicy") or (
            "Snapshot" if live.type_name == "AWS::RDS::DBInstance" else "Delete"
        )
        if policy == "Retain" or (policy == "RetainExceptOnCreate" and not creating):
            self._mark(live, "DELETE_SKIPPED")
        else:
            self._mark(live, "DELETE_IN_PROGRESS")
            kind, context = type_of(live.type_name), self._context(live)
            work = kind.snapshot if policy == "Snapshot" else kind.delete
            self._attempt(live, "delete", lambda: work(context, live.made, live.properties))
            self._mark(live, "DELETE_COMPLETE")
        if not keep and stack.live.get(live.logical_id) is live:
            del stack.live[live.logical_id]

    def remove_all(self, names, retained=()):
        """Each after all that depends on it. @throws Failed, after all that could be removed is"""
        stack = self.stack
        failed, needed = [], set()
        order = [name for name in removal_order(stack) if name in names]
        for name in order:
            live = stack.live[name]
            if name in retained:
                self._mark(live, "DELETE_SKIPPED")
                del stack.live[name]
                continue
            if name in needed:
                needed |= stack.needs[name]
                continue
            try:
                self.remove(live)
            except Failed:
                failed.append(name)
                needed |= stack.needs[name]
        if failed:
            raise Failed("delete", failed)

    def restore(self):
        """A step that fails stays for ContinueUpdateRollback."""
        while self.undo:
            self.undo[-1]()
            self.undo.pop()

    def remove_added(self):
        while self.added:
            live, keep = self.added[-1]
            self.remove(live, creating=True, keep=keep)
            self.added.pop()


def removal_order(stack):
    names = list(stack.live)
    stack.needs = {
        name: dependencies(stack.template["Resources"][name]) if name in stack.template["Resources"] else set()
        for name in names
    }
    ordered = [name for name in dependency_order(stack.template["Resources"]) if name in names]
    return [name for name in names if name not in ordered] + ordered[::-1]


def is_tagged(kind):
    return bool(kind.updatable & {"Tags", "FileSystemTags"})


def reason_of(error):
    if isinstance(error, Refused):
        return str(error)
    code = "GeneralServiceException"
    message = str(error)
    if isinstance(error, ClientError):
        it = error.response["Error"]
        message = f"{it['Message']} (Service: {error.operation_name}, Status Code: {error.response['ResponseMetadata']['HTTPStatusCode']})"
        code = it["Code"]
    return f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'


def evaluator_of(stack, template, parameters):
    region = stack.region
    pseudo = {
        "AWS::AccountId": region.account,
        "AWS::Region": region.name,
        "AWS::StackId": stack.id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::Partition": "aws",
        "AWS::NotificationARNs": [],
    }

    class MadeNow(dict):
        def __contains__(self, name):
            return name in stack.live and stack.live[name].made is not None

        def __getitem__(self, name):
            return stack.live[name].made

    return Evaluator(template, parameters, pseudo, MadeNow(), region.resolve)


def outputs_of(evaluator):
    return [
        {
            "OutputKey": key,
            "OutputValue": str(evaluator.value(it["Value"])),
            **({"Description": it["Description"]} if "Description" in it else {}),
        }
        for key, it in (evaluator.template.get("Outputs") or {}).items()
        if evaluator.condition(it.get("Condition"))
    ]


def now():
    return datetime.now(timezone.utc)
