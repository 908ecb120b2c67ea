"""Every method against its definition, written out over dense matrices."""

import pytest
import torch

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.ortho_init import orthogonal
from cbench.plugins.methods import make_method
from cbench.task import Example, Task
from cbench.update import Factors, gaussian, product

SHAPES = {"a": (3, 4), "b": (5, 6)}
TASK = Task("t", (Example("x.png", "a t"),), (), ("a t",), ("a",))


def adapters(count):
    generator = torch.Generator().manual_seed(1)

    def factors(d_out, d_in):
        return Factors(torch.randn(2, d_in, generator=generator), torch.randn(d_out, 2, generator=generator))

    return [{name: factors(*shape) for name, shape in SHAPES.items()} for _ in range(count)]


def after(method, trained):
    memory = Memory()
    for adapter in trained:
        memory = method.keep(memory, adapter, TASK)
    return memory


def test_naive_goes_on_with_its_adapter():
    method, trained = make_method("naive", {}), adapters(2)
    memory = after(method, trained)
    assert method.frozen(memory) == {} and method.start(memory, gaussian(SHAPES, 2, 0)) is trained[1]
    torch.testing.assert_close(dict(method.model(memory, TASK)), dict(product(trained[1])))


def test_merge_init_sums_products_and_starts_fresh():
    method, trained, fresh = make_method("merge_init", {}), adapters(3), gaussian(SHAPES, 2, 0)
    memory = after(method, trained)
    assert method.start(memory, fresh) is fresh
    for name in SHAPES:
        torch.testing.assert_close(
            method.model(memory, TASK)[name], sum(a[name].B @ a[name].A for a in trained)
        )
        torch.testing.assert_close(method.frozen(memory)[name], method.model(memory, TASK)[name])


def test_magmax_keeps_the_larger_entry():
    trained = adapters(3)
    memory = after(make_method("magmax", {}), trained)
    for name in SHAPES:
        running = torch.zeros(SHAPES[name])
        for adapter in trained:
            new = adapter[name].B @ adapter[name].A
            running = torch.where(running.abs() > new.abs(), running, new)
        torch.testing.assert_close(memory.update[name], running)


@pytest.mark.parametrize("summed", ["products", "factors"])
def test_ortho_init_starts_orthogonal(summed):
    method, trained = make_method("ortho_init", {"sum": summed}), adapters(3)
    memory = after(method, trained)
    start = method.start(memory, gaussian(SHAPES, 2, 0))
    for name in SHAPES:
        earlier = sum(a[name].A for a in trained)
        torch.testing.assert_close(
            (earlier * start[name].A).sum(0), torch.zeros(SHAPES[name][1]), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(start[name].A.norm(dim=0), torch.ones(SHAPES[name][1]))
        assert not start[name].B.any()


def test_ortho_init_sums_products_and_only_sums_of_factors_have_cross_terms():
    trained = adapters(2)
    products, factors = (
        after(make_method("ortho_init", options), trained) for options in ({}, {"sum": "factors"})
    )
    for name in SHAPES:
        (a1, b1), (a2, b2) = trained[0][name], trained[1][name]
        torch.testing.assert_close(products.update[name], b1 @ a1 + b2 @ a2)
        torch.testing.assert_close(factors.update[name], (b1 + b2) @ (a1 + a2))


def test_the_start_of_ortho_init_is_nearly_rank_one_and_long():
    """At the study's rank of 64: what its documentation says of it."""
    fresh = gaussian({"a": (8, 640)}, 64, 0)["a"].A
    start = orthogonal(fresh)
    energy = torch.linalg.svdvals(start).square()
    assert 0.96 < energy[0] / energy.sum() < 0.98
    assert 7.5 < start.norm() / fresh.norm() < 8.5


def test_ortho_init_refuses_rank_one():
    with pytest.raises(BadInput, match="rank of at least 2"):
        orthogonal(torch.ones(1, 4))


def test_ortho_rows_starts_outside_the_earlier_rows_at_the_fresh_length():
    shapes, method = {"a": (6, 12)}, make_method("ortho_rows", {})
    trained = [{"a": Factors(torch.randn(2, 12), torch.randn(6, 2))} for _ in range(3)]
    memory, fresh = after(method, trained), gaussian(shapes, 2, 7)
    start = method.start(memory, fresh)["a"]
    _, _, directions = torch.linalg.svd(memory.update["a"], full_matrices=False)
    assert (start.A @ directions.T).abs().max() < 1e-5 and not start.B.any()
    torch.testing.assert_close(start.A.norm(), fresh["a"].A.norm())
    torch.testing.assert_close(
        memory.update["a"], sum(adapter["a"].B @ adapter["a"].A for adapter in trained)
    )


def test_ortho_rows_leaves_room_for_its_rank_when_the_rows_are_full():
    update = torch.randn(12, 12)
    start = make_method("ortho_rows", {}).start(Memory(update={"a": update}), gaussian({"a": (12, 12)}, 2, 0))
    assert torch.linalg.matrix_rank(start["a"].A) == 2 and torch.isfinite(start["a"].A).all()


def test_ortho_rows_starts_fresh_at_the_first_task():
    fresh = gaussian(SHAPES, 2, 0)
    assert make_method("ortho_rows", {}).start(Memory(), fresh) == fresh


def test_orthogonal_is_the_last_right_singular_vector():
    earlier = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    for column in range(3):
        _, _, vh = torch.linalg.svd(earlier[:, column][None], full_matrices=True)
        torch.testing.assert_close(orthogonal(earlier)[:, column].abs(), vh[-1].abs())


def test_base_trains_nothing():
    method = make_method("base", {})
    assert not method.trains and method.model(Memory(), TASK) == {}
