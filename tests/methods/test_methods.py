"""Every method against its definition, written out over dense matrices."""

import pytest
import torch

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


@pytest.mark.parametrize("exact", ["false", "true"])
def test_ortho_init_starts_orthogonal(exact):
    method, trained = make_method("ortho_init", {"exact": exact}), adapters(3)
    memory = after(method, trained)
    start = method.start(memory, gaussian(SHAPES, 2, 0))
    for name in SHAPES:
        earlier = sum(a[name].A for a in trained)
        torch.testing.assert_close(
            (earlier * start[name].A).sum(0), torch.zeros(SHAPES[name][1]), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(start[name].A.norm(dim=0), torch.ones(SHAPES[name][1]))
        assert not start[name].B.any()


def test_ortho_init_as_published_holds_cross_terms_and_exact_does_not():
    trained = adapters(2)
    published, exact = (
        after(make_method("ortho_init", {}), trained),
        after(make_method("ortho_init", {"exact": "true"}), trained),
    )
    for name in SHAPES:
        (a1, b1), (a2, b2) = trained[0][name], trained[1][name]
        torch.testing.assert_close(published.update[name], (b1 + b2) @ (a1 + a2))
        torch.testing.assert_close(exact.update[name], b1 @ a1 + b2 @ a2)


def test_orthogonal_is_the_last_right_singular_vector():
    earlier = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    for column in range(3):
        _, _, vh = torch.linalg.svd(earlier[:, column][None], full_matrices=True)
        torch.testing.assert_close(orthogonal(earlier)[:, column].abs(), vh[-1].abs())


def test_base_trains_nothing():
    method = make_method("base", {})
    assert not method.trains and method.model(Memory(), TASK) == {}
