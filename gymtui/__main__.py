"""`python -m gymtui` is the command `gymtui`."""

from gymtui.cli.entry import main

main(prog_name="gymtui")
