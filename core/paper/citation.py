"""How to cite the paper and this laboratory, as BibTeX."""

import tomllib

from core.settings import PROJECT

PAPER = """@article{mari2020transfer,
  title   = {Transfer learning in hybrid classical-quantum neural networks},
  author  = {Mari, Andrea and Bromley, Thomas R. and Izaac, Josh and Schuld, Maria and Killoran, Nathan},
  journal = {Quantum},
  volume  = {4},
  pages   = {340},
  year    = {2020},
  doi     = {10.22331/q-2020-10-09-340},
  eprint  = {1912.08278}
}"""


def laboratory() -> str:
    """The entry of this laboratory, in the version that runs."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"""@software{{hybrid_transfer_lab,
  title   = {{Hybrid Transfer Lab}},
  version = {{{project["version"]}}},
  license = {{{project["license"]}}},
  note    = {{{project["description"]}}}
}}"""
