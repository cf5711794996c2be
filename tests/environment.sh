#!/bin/sh
# Makes the environment that the Makefile's targets run in: environment.sh VENV PYTHON CHOSEN NEED
#
#   VENV    its folder
#   PYTHON  the interpreter it is made with
#   CHOSEN  how PYTHON came to be that: "file" is the Makefile's own default, anything else is
#           somebody's choice, and an environment of another interpreter is made anew for it
#   NEED    "run", or "dev" for what the tests need too
#
# It looks first and says in a line what is missing. What fails leaves no environment behind.
set -eu
venv=$1 python=$2 chosen=$3 need=$4
least=3.11

fail() { printf 'gymtui: %s\n' "$*" >&2; exit 1; }

# What would install elsewhere than asked, or not all of it, whether the environment or pip's own
# configuration says so; `-I` keeps PYTHONPATH and the user's packages out.
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_DRY_RUN PIP_PYTHON PIP_REQUIREMENT PIP_EDITABLE PYTHONHOME
export PIP_USER=0 PIP_NO_DEPS=0 PIP_REQUIRE_HASHES=0

describe='import sys; print("%d.%d.%d" % sys.version_info[:3], sys.base_prefix)'

# The interpreter of an environment that is whole, or nothing.
made_with() { [ -f "$venv/.interpreter" ] && "$venv/bin/python" -I -c "$describe" 2>/dev/null || :; }

have=$(made_with)
if [ -n "$have" ] && [ "$have" = "$(cat "$venv/.interpreter")" ] && [ "$chosen" = file ]; then
  fresh=no
else
  command -v "$python" >/dev/null 2>&1 ||
    fail "there is no $python here; Python $least or newer is needed (make PYTHON=python$least ...)"
  wanted=$("$python" -I -c "$describe" 2>/dev/null) ||
    fail "$python does not start, or is older than Python $least (make PYTHON=python$least ...)"
  "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python $least or newer is needed; $python is ${wanted%% *} (make PYTHON=python$least ...)"
  [ "$have" = "$wanted" ] && [ "$have" = "$(cat "$venv/.interpreter")" ] && fresh=no || fresh=yes
fi
if [ "$fresh" = yes ]; then
  "$python" -I -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python has no venv with pip (on Debian and Ubuntu: apt install python3-venv)"
fi

# A change of what is to be installed asks for it again; dev holds all that run does.
sum=$(cat pyproject.toml tests/constraints.txt | cksum)
if [ "$fresh" = no ]; then
  for stamp in "$venv/.dev" "$venv/.$need"; do
    [ -f "$stamp" ] && [ "$sum" = "$(cat "$stamp")" ] && exit 0
  done
fi

# One at a time: whoever comes second waits, and looks again. The lock is the system's, on a file
# that is never removed, and goes with the last process that holds it open, which it is as 9.
if [ "${GYMTUI_SETS_UP-}" != "$$" ]; then
  [ "$fresh" = yes ] && locker=$python || locker=$venv/bin/python
  exec "$locker" -I -c '
import fcntl, os, sys
lock = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o666)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("waiting for another make that sets up", sys.argv[2], flush=True)
    fcntl.flock(lock, fcntl.LOCK_EX)
os.dup2(lock, 9)
os.environ["GYMTUI_SETS_UP"] = str(os.getpid())
os.execvp("sh", ["sh", *sys.argv[3:]])' "$venv.lock" "$venv" "$0" "$@"
fi

clock=
finish() {
  status=$?
  [ -z "$clock" ] || kill "$clock" 2>/dev/null || :
  if [ "$status" -ne 0 ] && [ "$fresh" = yes ]; then rm -rf "$venv"; fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

what=$([ "$need" = dev ] && echo "gymtui and what its tests need" || echo gymtui)
echo "setting up $venv: $what (once; a minute or two)"
(
  exec 9>&-  # its last sleep may outlive all this
  seconds=0
  while sleep 15 >/dev/null 2>&1; do
    seconds=$((seconds + 15))
    echo "  still installing, $seconds s"
  done
) &
clock=$!
rm -f "$venv/.run" "$venv/.dev"
if [ "$fresh" = yes ]; then
  rm -rf "$venv"
  "$python" -I -m venv "$venv" ||
    fail "$python could not make an environment in $venv; what it says is above"
fi
target=.
[ "$need" = run ] || target=".[dev]"
PIP_CONSTRAINT=tests/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 \
  "$venv/bin/python" -I -m pip install --quiet -e "$target" ||
  fail "not everything could be installed; what pip says is above"
"$venv/bin/python" -I -c "$describe" >"$venv/.interpreter"
echo "$sum" >"$venv/.$need"
