"""Process pools of claims: their workers end with the program that started them, however that ends."""

import pytest

KILLED_WITH_A_POOL = """
    import multiprocessing, os, signal, tempfile
    from concurrent.futures import ProcessPoolExecutor
    from fixtures.workers import end_with_the_program

    if __name__ == "__main__":
        tempfile.tempdir = {folder!r}  # multiprocessing makes a folder there, and has no time to remove it
        start = multiprocessing.get_context("{method}")
        pool = ProcessPoolExecutor(max_workers=1, mp_context=start, initializer=end_with_the_program)
        print(pool.submit(abs, -1).result(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_ends_with_a_program_that_is_killed(fresh_interpreter, tmp_path_factory, method):
    ended = fresh_interpreter(KILLED_WITH_A_POOL.format(method=method, folder=str(tmp_path_factory.getbasetemp())))

    # It comes back only when its output is closed, and a worker would keep that open.
    assert (ended.status, ended.lines) == (-9, ["1"])
