"""The wire: one method an endpoint, lenient models of the answers, typed errors."""

import sys

# httpx's own command line, which nobody here calls, brings pygments: memory and time at each start.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
