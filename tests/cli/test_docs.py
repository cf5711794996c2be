"""What the documents say is what the program does."""

from __future__ import annotations

from gymtui.config.schema import KEY_FIELDS, SettingFields, StuckThresholds
from tests.write_docs import README, written


def test_the_readme_lists_the_keys_and_the_settings_in_force() -> None:
    text = README.read_text()
    assert written(text) == text, "run `make docs`"


def test_every_setting_is_written_between_the_readmes_marks() -> None:
    text = written("before\n<!-- settings: written by `make docs` -->\nSTALE\n<!-- /settings -->\n")
    assert "STALE" not in text
    names = {field.alias or name for name, field in SettingFields.model_fields.items()}
    names |= {f"stuck.{name}" for name in StuckThresholds.model_fields}
    for name in (*names, *KEY_FIELDS, "profile", "keys.NAME", "model_keys.PROVIDER"):
        assert f"| `{name}` |" in text
    assert "| `insecure` | profile | `false` |" in text
    assert "| `interval` | `--interval`, `GYMTUI_INTERVAL`, profile, file | `2` |" in text
    assert written(text) == text
