"""Circuits and their simulators: ⟨Z⟩ of every qubit as a differentiable function of inputs and angles.

Read in this order: `description` (a circuit as gates, drawn by PennyLane), `simulator` (chooses an engine for it), then
the engines: `gate_by_gate` (the plain reference), `moments` and `phase_form` (few qubits), `split_schedule` and
`split_state` (more). `workspaces` keeps their buffers. `closed_form` is the paper's circuit at zero
angles, without any simulation.
"""
