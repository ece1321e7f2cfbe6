"""The stacks of the lake, one per file. Each is deployed and destroyed on its own.

The AWS bindings' own `__init__` imports all of their 2,200 modules (hashicorp/terraform-cdk#3753; fixed in jsii itself
by aws/jsii#5110, which these bindings will never get). Resource modules do not need it, so the package is registered
here without running that file. This must happen before the first import of a binding, and every stack is in this
package.
"""

from __future__ import annotations

import importlib.util
import sys
import types

_BINDINGS = "cdktf_cdktf_provider_aws"


def _register_bindings() -> None:
    spec = importlib.util.find_spec(_BINDINGS)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{_BINDINGS} is not installed. Run `make setup`.")
    package = types.ModuleType(spec.name)
    package.__spec__ = spec
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[spec.name] = package


if _BINDINGS not in sys.modules:
    _register_bindings()
