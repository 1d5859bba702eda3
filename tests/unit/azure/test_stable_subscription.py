"""A stack keeps to the subscription that it was made in."""

import pytest

from components.cluster.azure.stable_subscription import StableSubscriptionProvider

FIRST, SECOND = "11111111-2222-3333-4444-555555555555", "22222222-2222-3333-4444-555555555555"


def asked(subscription, source="ARM_SUBSCRIPTION_ID"):
    return {"subscription": subscription, "source": source, "stack": "azure"}


def test_another_subscription_is_refused_with_the_way_back():
    (failure,) = StableSubscriptionProvider().check(asked(FIRST), asked(SECOND)).failures
    assert failure.property == "subscription"
    for said in (FIRST, SECOND, "ARM_SUBSCRIPTION_ID", f"sdg:cluster.subscription {FIRST}", "pulumi destroy --stack azure"):
        assert said in failure.reason


@pytest.mark.parametrize("before", [{}, asked(FIRST), asked(FIRST, "az's profile")])
def test_the_same_one_may_be_found_anywhere(before):
    provider = StableSubscriptionProvider()
    assert not provider.check(before, asked(FIRST)).failures
    if before:
        assert not provider.diff(FIRST, before, asked(FIRST)).changes
