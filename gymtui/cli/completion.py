"""The command line of `completion`: click's own scripts. What TAB offers is `suggestions`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""\
\b
bash:  gymtui completion bash > ~/.local/share/bash-completion/completions/gymtui
zsh:   gymtui completion zsh > DIR/_gymtui, with DIR in $fpath
fish:  gymtui completion fish > ~/.config/fish/completions/gymtui.fish

For this session only: eval "$(gymtui completion bash)". TAB completes commands, options,
profiles, sources, and runs that a dashboard has observed; the gym is not contacted.
"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, /, shell: str) -> None:
    """Print what makes a shell complete this program's command lines."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  (click has all three)
    root = context.find_root()
    script = found(root.command, {}, "gymtui", "_GYMTUI_COMPLETE").source()
    # click's own would end a description, or a run's name, at its first comma.
    click.echo(script.replace('string split ","', 'string split --max 1 ","'))
