"""What Airflow has moved or added since 3.1: the only module that knows which of its versions it meets.

`make matrix` runs the oldest and the newest release of each minor version that is meant here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, ExceptionRetryPolicy, RetryAction, RetryPolicy, RetryRule
    from airflow.sdk.configuration import conf
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferralError,
        TaskDeferralTimeout,
    )
    from airflow.sdk.observability import stats

    RETRY_POLICIES = True
else:
    try:  # 3.3
        from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryPolicy, RetryRule

        RETRY_POLICIES = True
    except ImportError:
        RETRY_POLICIES = False
    try:  # 3.2
        from airflow.sdk.configuration import conf
    except ImportError:
        from airflow.configuration import conf
    try:  # 3.2
        from airflow.sdk.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowSensorTimeout,
            AirflowSkipException,
            TaskDeferralError,
            TaskDeferralTimeout,
        )
    except ImportError:
        from airflow.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowSensorTimeout,
            AirflowSkipException,
            TaskDeferralError,
            TaskDeferralTimeout,
        )
    try:  # 3.3 has functions, 3.2 a class, 3.1 the class elsewhere
        from airflow.sdk.observability import stats

        stats = stats if hasattr(stats, "incr") else stats.Stats
    except ImportError:
        from airflow.stats import Stats as stats

__all__ = [
    "RETRY_POLICIES",
    "AirflowException",
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "RefusingOperator",
    "TaskDeferralError",
    "TaskDeferralTimeout",
    "conf",
    "failing_at_once",
    "stats",
]


def failing_at_once(errors: Sequence[type[Exception]]) -> Any:
    """Return the retry policy of errors that no retry can mend: a task fails at once, whatever its `retries` say."""
    if not RETRY_POLICIES:
        return tuple(errors)  # what `RefusingOperator` asks for
    reason = "a retry would be refused for the same reason"
    return ExceptionRetryPolicy([RetryRule(list(errors), action=RetryAction.FAIL, reason=reason)])


class RefusingOperator(BaseOperator):
    """An operator with a retry policy, also where Airflow has none.

    There `execute` gives a refusal Airflow's own base class for what is not retried. The exception stays the one that
    it was otherwise, with the data that it carries for callbacks, which AirflowFailException in its place would hide.

    :param retry_policy: None: refusals are retried like every other failure. Before Airflow 3.3 it knows no other one.
    """

    def __init__(self, *, retry_policy: RetryPolicy | None = None, **kwargs: Any) -> None:
        if RETRY_POLICIES:
            kwargs["retry_policy"] = retry_policy
        super().__init__(**kwargs)
        self.retry_policy = retry_policy

    if not RETRY_POLICIES:

        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            if "execute" in vars(cls):
                cls.execute = _final(cls.execute)  # type: ignore[method-assign]


def _final(execute: Any) -> Any:
    @wraps(execute)
    def executing(self: Any, context: Context, *args: Any, **kwargs: Any) -> Any:
        try:
            return execute(self, context, *args, **kwargs)
        except Exception as error:
            if isinstance(error, self.retry_policy or ()) and not isinstance(error, AirflowFailException):
                error.__class__ = _not_retried(type(error))  # type: ignore[arg-type]
            raise

    return executing


@cache
def _not_retried(error: Any) -> Any:
    return type(error.__name__, (error, AirflowFailException), {"__module__": error.__module__})
