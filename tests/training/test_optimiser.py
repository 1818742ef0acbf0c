"""The shared optimiser against one torch.optim.Adam for each member."""

import torch

from core.training.optimiser import MemberAdam


def test_members_with_their_own_rates_move_as_separate_optimisers_do() -> None:
    generator = torch.Generator().manual_seed(0)
    n_members, size = 3, 5
    start = torch.randn(n_members, size, generator=generator)
    curvature = torch.rand(n_members, size, generator=generator) * 10
    weights, gradient = start.flatten().clone(), torch.zeros(n_members * size)
    shared = MemberAdam(weights, gradient)
    alone = [row.clone().requires_grad_() for row in start]
    separate = [torch.optim.Adam([row], lr=1.0) for row in alone]

    for step in range(300):
        if step % 100 == 0:  # a schedule changes the rates on the way
            rates = [10.0 ** (-1 - member - step // 100) for member in range(n_members)]
            shared.set_rate(torch.tensor(rates).repeat_interleave(size))
            for optimiser, rate in zip(separate, rates, strict=True):
                optimiser.param_groups[0]["lr"] = rate
        gradient.copy_((weights.view(n_members, size) * curvature).flatten())
        shared.step()
        for row, bend, optimiser in zip(alone, curvature, separate, strict=True):
            row.grad = row.detach() * bend
            optimiser.step()

    assert not torch.allclose(weights, start.flatten(), atol=0.1)
    torch.testing.assert_close(weights, torch.cat(alone).detach(), atol=1e-5, rtol=1e-5)


def test_a_state_restores_the_optimiser_exactly() -> None:
    generator = torch.Generator().manual_seed(1)
    gradients = torch.randn(20, 4, generator=generator)
    weights, gradient = torch.zeros(4), torch.zeros(4)
    optimiser = MemberAdam(weights, gradient)
    optimiser.set_rate(torch.full((4,), 0.1))
    for row in gradients[:10]:
        gradient.copy_(row)
        optimiser.step()

    again_weights, again_gradient = weights.clone(), torch.zeros(4)
    again = MemberAdam(again_weights, again_gradient)
    again.load_state({name: tensor.clone() for name, tensor in optimiser.state().items()})
    for one in (optimiser, again):
        one.set_rate(torch.full((4,), 0.05))
    for row in gradients[10:]:
        for target, one in ((gradient, optimiser), (again_gradient, again)):
            target.copy_(row)
            one.step()
    assert torch.equal(weights, again_weights)
