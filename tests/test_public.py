"""The names that plugins import from `cbench`."""

import subprocess
import sys

import cbench


def test_every_public_name_is_there_and_documented():
    listed = {name for names in cbench.PUBLIC.values() for name in names}
    assert listed == set(cbench.__all__) <= set(dir(cbench))
    assert all(getattr(cbench, name) is not None for name in listed)


def test_importing_them_imports_no_torch():
    words = f"import sys; from cbench import {', '.join(cbench.__all__)}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", words], check=True)


def test_a_method_can_be_defined_without_torch():
    words = "import sys; import cbench.methods.merge_init; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", words], check=True)


def test_another_name_is_an_attribute_error():
    assert not hasattr(cbench, "Methods")
