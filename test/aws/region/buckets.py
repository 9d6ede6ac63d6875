"""Policies of buckets: moto reads them without their conditions, so that one which demands TLS would refuse everything."""

import json

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket


def install():
    FakeBucket.get_permission = get_permission


def get_permission(bucket, action, resource):
    """Requests to the region count as TLS. A statement with another condition is not understood, and fails the test."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    statements = [it for it in policy["Statement"] if it.get("Condition") != {"Bool": {"aws:SecureTransport": "false"}}]
    if any("Condition" in it for it in statements):
        raise NotImplementedError(f"a condition of a bucket's policy: {statements}")
    if not statements:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": statements})).is_action_permitted(action, resource)
