"""What the rules of orders forbid."""

from mallbots_platform.errors import RuleViolated


class OrderIsApproved(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is approved already")


class OrderIsNotApproved(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is not approved")


class OrderIsNotCompleted(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is not completed: its goods must be at the depot, and paid")


class OrderIsCompleted(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is completed")


class OrderIsCollected(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is collected")


class OrderIsRejected(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is rejected")


class OrderIsCancelled(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is cancelled")
