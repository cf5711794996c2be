"""Keys of any length are taken out of what servers say, and ordinary words are left alone."""

import pytest

from gymtui.gym.models.agent import AgentError
from gymtui.gym.models.failures import Failure
from gymtui.gym.models.model_client import ModelClient
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.models.secret_filter import environment_secrets, remove_secrets
from gymtui.gym.wire import ModelConfig

LEFT_ALONE = [
    ("k", b"a k is a letter"),
    ("EMPTY", b"the inbox is EMPTY"),
    ("", b"anything"),
    ("s3cr", b"s3crets and as3cr"),
]
TAKEN_OUT = [
    ("s3cret", b'{"error": "no key s3cret here"}', b'{"error": "no key [key] here"}'),
    ("s3cret", b'"Bearer s3cret"', b'"Bearer [key]"'),
    ("s3cret", rb'"key:\ns3cret\n"', rb'"key:\n[key]\n"'),
    ("s3cret", rb'"\u00e4s3cret"', rb'"\u00e4[key]"'),
    ("s3cret", b"s3cret", b"[key]"),
    ("sk-1", b"sk-1, sk-12", b"[key], sk-12"),
    ('a"b', rb'"a\"b"', b'"[key]"'),
    ("sk-MARKED-k3y", b"xsk-MARKED-k3yx", b"x[key]x"),
]


@pytest.mark.parametrize(("key", "raw"), LEFT_ALONE)
def test_what_hides_nothing_is_left(key: str, raw: bytes) -> None:
    assert remove_secrets(raw, [key]) == raw


@pytest.mark.parametrize(("key", "raw", "left"), TAKEN_OUT)
def test_a_key_is_taken_out(key: str, raw: bytes, left: bytes) -> None:
    assert remove_secrets(raw, [key]) == left


def test_credentials_of_a_url_are_taken_out_in_the_form_they_are_sent_in_too() -> None:
    settings = ModelConfig.model_validate(
        {"model": "m", "api_key": "", "base_url": "http://user:p%40ss@127.0.0.1/v1"}
    )
    said = b'{"error": "bad header Basic dXNlcjpwQHNz for p@ss"}'
    assert (
        remove_secrets(said, settings.secrets()) == b'{"error": "bad header Basic [key] for [key]"}'
    )


def test_keys_of_the_environment_are_known_by_their_names() -> None:
    env = {"OPENAI_API_KEY": "sk-env-0123456789", "AWS_SESSION_TOKEN": "t" * 20, "API_KEY": "short"}
    found = environment_secrets({**env, "HOME": "/home/somebody", "KEYBOARD": "a long layout name"})
    assert found == ["sk-env-0123456789", "t" * 20]


async def test_a_provider_repeats_no_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def once(*_arguments: object) -> bytes:
        raise Failure("401: Incorrect API key provided: sk-env-0123456789")

    monkeypatch.setenv("OPENAI_API_KEY", "sk-env-0123456789")
    servers = ModelServers(ModelClient())
    monkeypatch.setattr(servers._providers, "once", once)
    settings = ModelConfig(model="m", provider="openai", api_key="")
    with pytest.raises(AgentError, match=r"provided: \[key\]$"):
        await servers.complete(settings, {"messages": []})
    await servers.close()
