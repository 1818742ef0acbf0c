"""Circuits and their simulators: ⟨Z⟩ of every qubit as a differentiable function of inputs and angles.

A circuit: `description` (gates and what is measured, as data), `dressed` (the circuit of a head; its ansatz, also a new
one, is in `core.config.ansatze`), `qnode` (the same in PennyLane), `drawing` (as SVG), `closed_form` (the paper's
circuit at zero angles, without any simulation).
Running it: `engine` (what every simulator does; a new one is a class and an entry in `simulator`), `simulator`
(chooses the cheapest that is able), then the engines: `gate_by_gate` (the plain reference), `moments`, `phase_layers`
and `phase_form` (few qubits), `split` (more). `workspaces` keeps their buffers.
"""
