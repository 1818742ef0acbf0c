"""The matrices U = Σ_s exp(iφ_s) A_s of all products of a circuit, made from the weights, and the gradients of their
angles."""

from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.circuit.moments import phase_table
from core.circuit.split.memory import Numbers
from core.circuit.split.schedule import Product


class Matrices:
    """Constants for one circuit."""

    def __init__(self, products: list[Product], n_weights: int, numbers: Numbers) -> None:
        self.numbers = numbers
        alike: dict[bytes, list[Product]] = {}
        for product in products:
            alike.setdefault(product.kind, []).append(product)
        self.families = [Family(products, numbers) for products in alike.values()]
        in_order = [product.moment for family in self.families for product in family.products]
        table, bias = phase_table(in_order, numbers.real, "weight", n_weights)
        self.table, self.bias = numbers.constant(table), numbers.constant(bias)  # weights @ table + bias = φ
        self.magnitude = torch.ones_like(self.bias)
        used = [angle.index for moment in in_order for angle, _ in moment.angles]
        self.used_weights = torch.tensor(used, dtype=torch.int64, device=numbers.device)


class Family:
    """Products that differ in the weights they use and in nothing else; all their matrices are made together."""

    def __init__(self, products: list[Product], numbers: Numbers) -> None:
        self.products = products
        a, g = products[0].matrices, products[0].generators
        self.n_phases, self.size = a.shape[:2]  # S, K
        self.n_angles = len(g)
        if numbers.real:  # phases and matrices come in conjugate pairs: 2 Re Σ exp(iφ_s) A_s
            pairs, generators = np.stack([2 * a.real, -2 * a.imag], 1), g.real
        else:  # (Re, Im) of the phase -> (Re, Im) of the entries
            pairs = np.stack([a, 1j * a], 1)
            pairs = np.stack([pairs.real, pairs.imag], -1)
            generators = np.stack([g.real, -g.imag], -1)
        self.from_phases = numbers.constant(pairs.reshape(2 * self.n_phases, -1))
        self.to_angles = numbers.constant(generators.reshape(self.n_angles, prod(generators.shape[1:])).T)


class _FamilyBuffers(NamedTuple):
    """The matrices of one family of products, and from Γ to the gradients of their angles."""

    phases: Tensor
    """exp(iφ) as (Re, Im), (M, products, 2S)."""
    from_phases: Tensor
    """Constant, (M, 2S, real numbers in a matrix)."""
    matrices: Tensor
    """U, (M, products, real numbers in a matrix)."""
    overlaps: Tensor
    """Γ, likewise."""
    to_angles: Tensor
    """Constant, (M, real numbers in a matrix, angles)."""
    grad_angles: Tensor
    """(M, products, angles)."""


class MatrixBuffers:
    """U and Γ of all products for M members; Γ is filled by `core.circuit.split.parts`."""

    def __init__(self, constants: Matrices, members: int) -> None:
        numbers = constants.numbers
        self.constants = constants
        self.angles = torch.empty(members, len(constants.bias), dtype=numbers.real_dtype, device=numbers.device)  # φ
        self.phases = torch.empty_like(self.angles, dtype=numbers.real_dtype.to_complex())
        self.magnitude = constants.magnitude.expand_as(self.angles)
        self.grad_angles = self.angles.new_empty(members, len(constants.used_weights))
        self.matrices: dict[Product, Tensor] = {}
        """U of a product, (M, K, K)."""
        self.overlaps: dict[Product, Tensor] = {}
        """Γ of a product, (M, K, K)."""
        self.families: list[_FamilyBuffers] = []
        column, angle = 0, 0
        for family in constants.families:
            count, size = len(family.products), family.size
            matrices, overlaps = (numbers.empty(members * count * size * size) for _ in range(2))
            phases = self.phases[:, column : column + count * family.n_phases].unflatten(1, (count, -1))
            grads = self.grad_angles[:, angle : angle + count * family.n_angles]
            column, angle = column + count * family.n_phases, angle + count * family.n_angles
            self.families.append(
                _FamilyBuffers(
                    phases=torch.view_as_real(phases).view(members, count, -1),
                    from_phases=family.from_phases.expand(members, -1, -1),
                    matrices=numbers.as_real(matrices).view(members, count, -1),
                    overlaps=numbers.as_real(overlaps).view(members, count, -1),
                    to_angles=family.to_angles.expand(members, -1, -1),
                    grad_angles=grads.unflatten(1, (count, family.n_angles)),
                )
            )
            for slot, product in enumerate(family.products):
                self.matrices[product] = matrices.view(members, count, size, size)[:, slot]
                self.overlaps[product] = overlaps.view(members, count, size, size)[:, slot]
        self.with_angles = [own for own in self.families if own.grad_angles.shape[2]]

    def make(self, weights: Tensor) -> None:
        """weights (M, n_weights) -> φ of all products, exp(iφ), and U of one family after the other."""
        torch.addmm(self.constants.bias, weights, self.constants.table, out=self.angles)
        torch.polar(self.magnitude, self.angles, out=self.phases)
        for family in self.families:
            torch.bmm(family.phases, family.from_phases, out=family.matrices)

    def add_gradients(self, grad_weights: Tensor) -> None:
        """∂L/∂θ = Re Σ_ab Γ_ab g_ab of all products, added up in (M, n_weights) where they share a weight."""
        for family in self.with_angles:
            torch.bmm(family.overlaps, family.to_angles, out=family.grad_angles)
        grad_weights.index_add_(1, self.constants.used_weights, self.grad_angles)
