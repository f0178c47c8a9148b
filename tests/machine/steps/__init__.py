"""The steps of ``make test-appliance``, in the order in which they come."""

from tests.machine.steps import installing as installing  # noqa: I001  # the order is the run's
from tests.machine.steps import integrating as integrating
from tests.machine.steps import capturing as capturing
from tests.machine.steps import using as using
from tests.machine.steps import witnessing as witnessing
from tests.machine.steps import taking as taking
from tests.machine.steps import breaking as breaking
from tests.machine.steps import releasing as releasing
from tests.machine.steps import keeping as keeping
from tests.machine.steps import cutting as cutting
from tests.machine.steps import enforcing as enforcing
