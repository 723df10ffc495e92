"""The cores that may be used are the least that affinity, control groups and the environment allow."""

import os

import pytest

from charlm.workers.cores import available_cores, blas_cores

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
NOTHING: dict[str, str] = {}


def written(tmp_path, cgroup, files):
    """Write the files of the kernel that tell of control groups, and return where they are."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_without_limits_all_cores_are_used(tmp_path):
    assert available_cores(root=tmp_path, environment=NOTHING) == ALL


@pytest.mark.parametrize(("quota", "cores"), [("100000 100000", 1), ("150000 100000", 1), ("max 100000", ALL)])
def test_the_quota_of_a_container_is_a_limit(tmp_path, quota, cores):
    root = written(tmp_path, "0::/docker/abc\n", {"docker/abc/cpu.max": f"{quota}\n"})
    assert available_cores(root=root, environment=NOTHING) == cores


def test_less_than_one_core_is_one_worker(tmp_path):
    root = written(tmp_path, "0::/\n", {"cpu.max": "20000 100000\n"})
    assert available_cores(root=root, environment=NOTHING) == 1


def test_the_quota_of_a_group_above_counts_too(tmp_path):
    files = {"slice/cpu.max": "100000 100000\n", "slice/unit/cpu.max": "max 100000\n"}
    assert available_cores(root=written(tmp_path, "0::/slice/unit\n", files), environment=NOTHING) == 1


@pytest.mark.parametrize(("quota", "cores"), [("100000", 1), ("-1", ALL)])
def test_control_groups_of_the_first_version_are_read(tmp_path, quota, cores):
    files = {"cpu/box/cpu.cfs_quota_us": f"{quota}\n", "cpu/box/cpu.cfs_period_us": "100000\n"}
    root = written(tmp_path, "12:memory:/box\n4:cpu,cpuacct:/box\n", files)
    assert available_cores(root=root, environment=NOTHING) == cores


@pytest.mark.parametrize("text", ["", "nonsense", "0::/a:b\n", "0::", "4:cpu:/../..\n", "\x00\xff"])
def test_odd_files_of_the_system_are_no_limit(tmp_path, text):
    assert available_cores(root=written(tmp_path, text, {"cpu.max": "0 0\n"}), environment=NOTHING) == ALL


@pytest.mark.parametrize(("value", "cores"), [("1", 1), ("1,2", 1), ("0", ALL), ("many", ALL), ("", ALL), ("999", ALL)])
def test_omp_num_threads_is_a_limit(tmp_path, value, cores):
    assert available_cores(root=tmp_path, environment={"OMP_NUM_THREADS": value}) == cores


def test_ranks_on_one_machine_share_its_cores_and_its_quota(tmp_path):
    root = written(tmp_path, "0::/\n", {"cpu.max": "200000 100000\n"})
    assert available_cores(2, root=root, environment=NOTHING) == 1


def test_products_use_no_more_threads_than_their_library_is_told():
    assert blas_cores(4, {"OPENBLAS_NUM_THREADS": "2"}) == 2
    assert blas_cores(4, {"MKL_NUM_THREADS": "8"}) == 4
    assert blas_cores(4, NOTHING) == 4
