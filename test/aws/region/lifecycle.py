"""What becomes of a stack that is made, changed, rolled back or removed: its statuses, in the order in which AWS documents them."""

import threading
import traceback
from contextlib import suppress

from resources import type_of
from stacks import Cancelled, Failed, Operation, evaluator_of, outputs_of
from templates import TemplateError, dependency_order


def create(stack, body, template, parameters, on_failure):
    """CREATE_COMPLETE, or by `on_failure` (ROLLBACK, DELETE, DO_NOTHING) what is left of it."""
    stack.body, stack.template, stack.parameters = body, template, parameters
    operation = Operation(stack)
    try:
        evaluator = operation.apply(template, parameters)
        stack.outputs = outputs_of(evaluator)
        stack.to("CREATE_COMPLETE")
    except Cancelled:
        stack.cancelled = False
        delete(stack, [])
    except Exception as error:
        roll_back_creation(stack, operation, error, on_failure)


def roll_back_creation(stack, operation, error, on_failure):
    reason = f"{error}Rollback requested by user." if isinstance(error, Failed) else str(error)
    if on_failure == "DO_NOTHING":
        stack.to("CREATE_FAILED", str(error))
        return
    if on_failure == "DELETE":
        stack.to("DELETE_IN_PROGRESS", reason)
        delete(stack, [])
        return
    stack.to("ROLLBACK_IN_PROGRESS", reason)
    try:
        operation.remove_added()
        stack.to("ROLLBACK_COMPLETE")
    except Failed as failed:
        stack.to("ROLLBACK_FAILED", str(failed))


def update(stack, body, template, parameters, tags, disable_rollback=False):
    """UPDATE_COMPLETE, or UPDATE_ROLLBACK_COMPLETE with the template, the outputs and the tags that were there before."""
    before = (stack.body, stack.template, stack.parameters, stack.tags)
    operation = Operation(stack)
    stack.tags = tags
    try:
        evaluator = operation.apply(template, parameters)
        outputs = outputs_of(evaluator)
    except Exception as error:
        if disable_rollback:
            stack.to("UPDATE_FAILED", str(error))
            return
        stack.to("UPDATE_ROLLBACK_IN_PROGRESS", str(error))
        stack.pending_rollback = lambda: roll_back_update(stack, operation, before)
        stack.pending_rollback()
        return
    removed = [name for name in stack.live if name not in evaluator.resources()]
    stack.to("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    clean_up(operation, removed)
    stack.body, stack.template, stack.parameters, stack.outputs = body, template, parameters, outputs
    stack.to("UPDATE_COMPLETE")


def clean_up(operation, removed):
    """What cannot be removed then stays, outside of the stack, and the update is complete all the same."""
    for former in reversed(operation.replaced):
        with suppress(Failed):
            operation.remove(former, keep=True)
    try:
        operation.remove_all(removed)
    except Failed:
        for name in removed:
            operation.stack.live.pop(name, None)


def roll_back_update(stack, operation, before):
    stack.body, stack.template, stack.parameters, stack.tags = before
    try:
        operation.restore()
    except Failed as failed:
        stack.to("UPDATE_ROLLBACK_FAILED", str(failed))
        return
    stack.pending_rollback = None
    stack.to("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    while operation.added:
        live, keep = operation.added.pop()
        try:
            operation.remove(live, creating=True, keep=keep)
        except Failed:
            stack.live.pop(live.logical_id, None)
    stack.to("UPDATE_ROLLBACK_COMPLETE")


def continue_rollback(stack):
    if stack.pending_rollback:
        stack.pending_rollback()
    else:
        stack.to("UPDATE_ROLLBACK_COMPLETE")


def delete(stack, retained):
    try:
        Operation(stack).remove_all(list(stack.live), retained)
        stack.to("DELETE_COMPLETE")
    except Failed as failed:
        stack.to("DELETE_FAILED", str(failed))


def in_background(stack, work):
    def run():
        try:
            work()
        except Exception as error:  # of the emulator itself
            traceback.print_exc()
            stack.to(stack.status.split("_")[0] + "_FAILED", f"Internal Failure: {error!r}")

    threading.Thread(target=run, daemon=True).start()


def check(stack, template, parameters):
    """What CloudFormation says of a template before anything is made. @throws TemplateError"""
    wanted = evaluator_of(stack, template, parameters).resources()
    dependency_order(wanted)
    unknown = sorted({it["Type"] for it in wanted.values() if type_of(it["Type"]) is None})
    if unknown:
        raise TemplateError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
