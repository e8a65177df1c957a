import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.store.cipher import Lookup, Vault
from koipond.store.keys import (
    ENVIRONMENT,
    confirm_backup,
    key_file,
    load_keys,
    memory_keys,
    save_keys,
    with_new_key,
    with_retired,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_the_key_file_is_made_once_for_its_owner_alone(environ: dict[str, str]) -> None:
    ring = load_keys("pond", environ)
    file = key_file("pond", environ)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_keys("pond", environ) == ring
    assert load_keys("other", environ).active.secret != ring.active.secret


def test_keys_others_can_read_are_refused(environ: dict[str, str]) -> None:
    load_keys("pond", environ)
    key_file("pond", environ).chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        load_keys("pond", environ)


def test_the_environment_wins_and_is_never_written(environ: dict[str, str]) -> None:
    ring = load_keys("pond", environ)
    text = key_file("pond", environ).read_text()
    given = load_keys("elsewhere", {**environ, ENVIRONMENT: text})
    assert given.active.secret == ring.active.secret
    assert not key_file("elsewhere", environ).exists()
    with pytest.raises(InputError, match=ENVIRONMENT):
        save_keys(given)


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"keys": {}}', '{"keys": {"k1": {"secret": "AA==", "state": "active"}}}']
)
def test_broken_keys_are_refused_not_replaced(environ: dict[str, str], text: str) -> None:
    with pytest.raises(InputError, match=ENVIRONMENT):
        load_keys("pond", {ENVIRONMENT: text})


def test_a_new_key_takes_over_and_asks_for_a_new_backup(environ: dict[str, str]) -> None:
    first = confirm_backup(load_keys("pond", environ), datetime(2026, 1, 1, tzinfo=UTC))
    assert load_keys("pond", environ).backup_confirmed_at == "2026-01-01T00:00:00+00:00"
    second = with_new_key(first)
    assert [key.key_id for key in second.live] == ["k2", "k1"]
    assert second.backup_confirmed_at is None
    assert [key.state for key in with_retired(second).keys] == ["retired", "active"]


def test_secrets_are_not_shown() -> None:
    ring = memory_keys(b"visible-secret")
    assert "visible" not in repr(ring)


def test_a_value_opens_only_with_its_key_and_its_place() -> None:
    vault = Vault(memory_keys(b"one"))
    (sealed,) = vault.seal_all(["+8613800000001"], ["hash"])
    assert vault.open(sealed, "hash", "k1") == "+8613800000001"
    with pytest.raises(InputError):
        vault.open(sealed, "other", "k1")
    with pytest.raises(InputError):
        Vault(memory_keys(b"two")).open(sealed, "hash", "k1")
    with pytest.raises(InputError, match="k9"):
        vault.open(sealed, "hash", "k9")


def test_look_up_hashes_keep_kinds_scopes_and_keys_apart() -> None:
    lookup = Lookup(memory_keys(b"one").active)
    places = [
        ("phone", "", "1"),
        ("phone", "s", "1"),
        ("shop_id", "s", "1"),
        ("phone", "s1", ""),
        ("phon", "e", "1"),
    ]
    hashes = {lookup.hash(*place) for place in places} | {
        Lookup(memory_keys(b"two").active).hash("phone", "", "1")
    }
    assert len(hashes) == 6
    assert lookup.hash("phone", "", "1") == lookup.hash("phone", "", "1")


def test_the_key_file_names_states_and_nothing_personal(environ: dict[str, str]) -> None:
    load_keys("pond", environ)
    body = json.loads(key_file("pond", environ).read_text())
    assert set(body) == {"active", "keys", "backup_confirmed_at"}
