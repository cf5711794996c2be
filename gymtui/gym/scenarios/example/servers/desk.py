"""The order desk, a tool server: each tool is a function of the world and what an agent gives."""

from typing import Any


def find_orders(world: dict[str, Any], customer: str) -> dict[str, Any]:
    """Find a customer's orders by the full name."""
    orders = world["orders"].items()
    return {"orders": [{"order_id": key, **o} for key, o in orders if o["customer"] == customer]}


def refund(world: dict[str, Any], order_id: str, amount: float) -> str:
    """Refund an amount of an order."""
    if order_id not in world["orders"]:
        raise LookupError(f"there is no order {order_id}")
    world["orders"][order_id]["refunded"] += amount
    return f"Refunded {amount:.2f} of {order_id}."


TOOLS = [find_orders, refund]
