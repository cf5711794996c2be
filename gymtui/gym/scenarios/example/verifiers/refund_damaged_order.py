"""Whether exactly the broken teapot was refunded: looks at the world that the agent left behind."""

from typing import Any


def verify(run_artifacts: Any) -> tuple[bool, str]:
    """Return whether it was, and what is missing or wrong."""
    for order_id, order in run_artifacts.world["orders"].items():
        wanted = order["paid"] if order_id == "ord_1" else 0
        if order["refunded"] != wanted:
            return False, f"Wrong: {order_id} was refunded {order['refunded']}, not {wanted}"
    return True, "The teapot was refunded"
