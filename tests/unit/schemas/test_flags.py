"""Flags: which way they stand after changes in any number, repeated or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UnknownFlag
from schemas.events import FlagChanged
from schemas.flags import FLAG_NAMES, Flags, flag_changed
from schemas.http_bodies import FlagStatus
from schemas.settings import Settings

CHANGES = st.lists(
    st.builds(
        lambda flag, value, tenant, everywhere: (flag, value, tenant, everywhere),
        st.sampled_from(["routing", "screening"]),
        st.sampled_from([True, False, None]),
        st.sampled_from(["acme", "beta"]),
        st.booleans(),
    ),
    max_size=12,
)


def change(flag: str, value: bool | None, tenant: str = "acme", everywhere: bool = False, number: int = 0) -> FlagChanged:
    return FlagChanged(id=f"{flag}:{number}", tenant=tenant, flag=flag, value=value, everywhere=everywhere, changed_by="ann", reason="to see")


def folded(*changes: FlagChanged) -> Flags:
    flags = Flags()
    for one in changes:
        flags.fold(one)
    return flags


def test_every_flag_is_a_setting_that_is_on_or_off() -> None:
    """So that there is something to stand above."""
    settings = Settings()

    assert {bool} == {type(getattr(settings, name)) for name in FLAG_NAMES}


def test_the_last_change_holds_for_its_tenant_only() -> None:
    """Another tenant's flag stands as it did."""
    flags = folded(change("routing", False, number=1), change("routing", True, number=2), change("routing", False, "beta", number=3))

    assert (("routing", True),) == flags.switched("acme")
    assert (("routing", False),) == flags.switched("beta")
    assert () == flags.switched("gamma")


def test_a_tenants_own_change_stands_above_one_for_all() -> None:
    """Whichever came first; taken back, the one for all holds again."""
    own, everywhere = change("routing", True, number=1), change("routing", False, "root", everywhere=True, number=2)
    flags = folded(own, everywhere)
    before = flags.switched("acme"), flags.switched("beta")
    flags.fold(change("routing", None, number=3))

    assert ((("routing", True),), (("routing", False),)) == before
    assert (("routing", False),) == flags.switched("acme")


@given(changes=CHANGES, data=st.data())
def test_a_change_that_is_read_again_changes_nothing(changes: list[tuple[str, bool | None, str, bool]], data: st.DataObject) -> None:
    """Wherever it comes again behind itself."""
    events = [change(*one, number=number) for number, one in enumerate(changes)]
    repeated = list(events)
    for event in data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []:
        repeated.insert(data.draw(st.integers(repeated.index(event) + 1, len(repeated))), event)

    once, twice = folded(*events), folded(*repeated)

    assert [once.standing(flag, tenant) for flag in FLAG_NAMES for tenant in ("acme", "beta")] == [
        twice.standing(flag, tenant) for flag in FLAG_NAMES for tenant in ("acme", "beta")
    ]


def test_a_flag_that_this_process_does_not_know_switches_nothing() -> None:
    """As one of a later version, or of a producer that cannot spell."""
    assert () == folded(change("turbo", True)).switched("acme")


def test_an_unknown_flag_is_refused_with_those_that_there_are() -> None:
    """Before anything is written."""
    with pytest.raises(UnknownFlag, match="There is no flag turbo") as caught:
        flag_changed("turbo", True, tenant="acme", everywhere=False, changed_by="ann", reason="")

    assert all(name in caught.value.remedy for name in FLAG_NAMES)


def test_a_status_says_who_decided() -> None:
    """The settings where nobody has switched it, or where it was switched back."""
    flags = folded(change("routing", False, number=1), change("screening", None, number=2), change("refusals", False, "root", True, 3))
    told = {name: FlagStatus.of(flags.standing(name, "acme"), Settings()) for name in ("routing", "screening", "refusals")}

    assert ("tenant", False, "ann", "to see") == (told["routing"].by, told["routing"].value, told["routing"].changed_by, told["routing"].reason)
    assert ("settings", True, None) == (told["screening"].by, told["screening"].value, told["screening"].changed_by)
    assert ("everywhere", False) == (told["refusals"].by, told["refusals"].value)
