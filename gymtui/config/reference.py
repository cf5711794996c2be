"""Every setting in one table, for `config init`, `config show` and the README.

What each is and means stands beside its type (`config.schema`); where it may stand is added here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from gymtui.config.schema import NAMES, JournalSource, SettingFields, StuckThresholds, variable

_FLAGS = (
    *("profile", "base_url", "source", "scenario", "interval"),
    *("theme", "read_only", "ascii", "debug"),
)
FIELDS: Mapping[str, str] = {
    field.alias or name: name for name, field in SettingFields.model_fields.items()
}
"""The fields of `SettingFields` by the settings' names."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    name: str  # as it is written; of a table's entry, `stuck.floor_s`
    where: tuple[str, ...]  # where it may stand, nearest first
    default: str  # what applies without it, as it is written; "" where nothing does
    meaning: str
    example: str = ""  # what stands in a file that sets it


def toml_value(value: object) -> str:
    """A value as it is written in the file; "" for none."""
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"{value:g}" if isinstance(value, float) else str(value)


def setting_rows() -> tuple[SettingRow, ...]:
    """The settings, in the order in which a person meets them."""
    file = ("profile", "file")
    key = "the API key; the file must be readable by its owner alone"
    source = "source of the model API key, per provider"
    own = "a command of your own, with its key and screen"
    return (
        SettingRow(
            "profile", ("--profile", variable("profile"), "file"), "", "default profile", '"prod"'
        ),
        *map(_choice, FIELDS),
        SettingRow(
            "api_key_env", file, "", "environment variable that holds the API key", '"GYM_KEY"'
        ),
        SettingRow(
            "api_key_command",
            file,
            "",
            "command that prints the API key",
            _EXAMPLES["api_key_command"],
        ),
        SettingRow("api_key", (variable("api_key"), *file), "", key),
        *(_entry("stuck", name, field) for name, field in StuckThresholds.model_fields.items()),
        *(_entry("journal", name, field) for name, field in JournalSource.model_fields.items()),
        SettingRow("model_keys.PROVIDER", file, "", source, '{ env = "OPENAI_API_KEY" }'),
        SettingRow("keys.NAME", ("file",), "", "key or keys bound to a command", '"x"'),
        SettingRow("commands.NAME", ("file",), "", own, _EXAMPLES["commands.NAME"]),
    )


_EXAMPLES = {
    "scenario": '"hr"',
    "theme": '"day"',
    "api_key_command": '["pass", "show", "gym"]',
    "journal.url": '"postgresql://db.lab/gym"',
    "journal.password_command": '["pass", "show", "db"]',
    "commands.NAME": '{ key = "f5", scope = "runs", command = ["my-script"] }',
    "on_finish": '["notify-send", "a run has ended"]',
}


def _choice(name: str) -> SettingRow:
    field = SettingFields.model_fields[FIELDS[name]]
    flag = (f"--{name.replace('_', '-')}",) if name in _FLAGS else ()
    where = (*flag, variable(name), "profile", "file") if name in NAMES else (*flag, "profile")
    default = toml_value(field.default)
    return SettingRow(name, where, default, field.description or "", _EXAMPLES.get(name, default))


def _entry(table: str, name: str, field: FieldInfo) -> SettingRow:
    """An entry of a table that a profile may have too."""
    where = (variable("journal_url"), "profile", "file") if name == "url" else ("profile", "file")
    path, default = f"{table}.{name}", toml_value(field.default)
    return SettingRow(path, where, default, field.description or "", _EXAMPLES.get(path, default))


def settings_table() -> str:
    """The table as the README has it."""
    lines = [
        "| name | set in (first wins) | default | meaning |",
        "|---|---|---|---|",
    ]
    for row in setting_rows():
        where = ", ".join(
            place if place in ("profile", "file") else f"`{place}`" for place in row.where
        )
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.name}` | {where} | {default} | {row.meaning} |")
    return "\n".join(lines) + "\n"
