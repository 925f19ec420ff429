"""The first administrator is made once, whoever starts at the same moment."""

from __future__ import annotations

import threading
from unittest.mock import patch

import pytest
from django.db import connection

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User
from eclectyc.operations import first_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("is_known", [False, True])
def test_two_first_starts_at_once_make_one_administrator_whose_password_holds(is_known: bool) -> None:
    Organisation.objects.create(name="Harbour Estates")
    if is_known:
        User.objects.create(email=first_user.FIRST_ADMINISTRATOR, is_active=False)
    both, made, faults = threading.Barrier(2, timeout=30), [], []
    make_password = first_user.new_password

    def slowly() -> str:
        """Both have seen by now that there is no administrator, unless one of them has to wait for the other."""
        both_there.wait(0.5)
        return make_password()

    both_there = threading.Event()

    def start() -> None:
        try:
            both.wait()
            made.append(first_user.first_administrator(Actor.system()))
        except Exception as fault:  # shown by the test
            faults.append(fault)
        finally:
            connection.close()

    with patch.object(first_user, "new_password", slowly):
        threads = [threading.Thread(target=start) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not faults, faults
    (found,) = [one for one in made if one is not None]
    assert User.objects.get().check_password(found[1])
    assert User.objects.get().is_active
