"""The split state: qubits in groups of up to four, one matrix product for each group and layer. For many qubits.

Read in this order: `state` (the engine, with the derivation, and its walk forward and back), `schedule` (which gates
become matrices, and in which order everything runs), then what the walk passes through: `matrices` (made from the
weights), `opening` (the state that inputs make), `parts` (layers and single gates), `readout` (expectation values).
`memory` is how a state lies in memory.
"""
