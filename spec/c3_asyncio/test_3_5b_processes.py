"""3.5 (the second): the process pool in the thread pool's place, and what its workers are started with."""

from fixtures.claims import claim
from fixtures.threads import SOON

# A script whose work is at module level, as one with a thread pool may be. Workers that do not begin as forks of it
# have to import it, to find the job, and so come to its work themselves.
SCRIPT = """
import multiprocessing
from concurrent.futures.process import ProcessPoolExecutor
from fixtures.workers import end_with_the_program

def job(value):
    return f"the job got {value}"

def main():
    print("the script runs", flush=True)
    jobs = []
    for method in METHODS:
        start = multiprocessing.get_context(method)
        pool = ProcessPoolExecutor(max_workers=1, mp_context=start, initializer=end_with_the_program)
        jobs.append((pool, pool.submit(job, method)))
    for pool, future in jobs:
        print(type(future.exception()).__name__ if future.exception() else future.result())
        pool.shutdown()
"""
UNGUARDED = SCRIPT + "\nmain()\n"
GUARDED = SCRIPT + "\nif __name__ == '__main__':\n    main()\n"
IMPORTED_TOO_SOON = "before the current process has finished its bootstrapping phase"


def started_by(*methods, script):
    return script.replace("METHODS", repr(methods))


BY_DEFAULT_UNGUARDED = started_by(None, script=UNGUARDED)
BY_SPAWN_UNGUARDED = started_by("spawn", script=UNGUARDED)
BY_FORKSERVER_UNGUARDED = started_by("forkserver", script=UNGUARDED)
BY_BOTH_GUARDED = started_by("spawn", "forkserver", script=GUARDED)


@claim("pools-hand-out-concurrent-futures")
def test_a_process_pool_hands_out_concurrent_futures_whose_results_are_what_the_jobs_returned(plain_program):
    ended = plain_program("""
        import concurrent.futures, multiprocessing, os
        from concurrent.futures.process import ProcessPoolExecutor
        from fixtures.workers import end_with_the_program

        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(max_workers=2, mp_context=fork, initializer=end_with_the_program) as pool:
            futures = [pool.submit(pow, value, 2) for value in range(4)]
            worker, unusual = pool.submit(os.getpid), pool.submit(LookupError, "returned, not raised")

        print([type(future) is concurrent.futures.Future for future in futures])
        print([future.result() for future in futures])
        print("in this process" if worker.result() == os.getpid() else "in another process")
        print(unusual.exception(), repr(unusual.result()))
    """)

    assert ended.lines == [
        "[True, True, True, True]",
        "[0, 1, 4, 9]",
        "in another process",
        "None LookupError('returned, not raised')",
    ]
    assert (ended.status, ended.stderr) == (0, "")


@claim("submit-returns-before-the-job-ends")
def test_submit_to_a_process_pool_returns_while_its_job_is_unfinished_too(plain_program):
    ended = plain_program(f"""
        import multiprocessing
        from concurrent.futures.process import ProcessPoolExecutor
        from fixtures.workers import end_with_the_program

        fork = multiprocessing.get_context("fork")
        gate = fork.Event()

        def job():
            return "let through" if gate.wait({SOON}) else "submit did not return"

        with ProcessPoolExecutor(max_workers=1, mp_context=fork, initializer=end_with_the_program) as pool:
            future = pool.submit(job)
            print("finished" in str(future), future.done())
            gate.set()
        print(future.result())
    """)

    assert ended.lines == ["False False", "let through"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("process-pool-calls-a-queued-job-running")
def test_in_a_process_pool_jobs_that_no_worker_has_begun_may_say_that_they_run(plain_program):
    ended = plain_program(f"""
        import multiprocessing, time
        from concurrent.futures.process import ProcessPoolExecutor
        from fixtures.workers import end_with_the_program

        fork = multiprocessing.get_context("fork")
        begun, gate = fork.Value("i", 0), fork.Event()

        def job():
            with begun.get_lock():
                begun.value += 1
            gate.wait()

        with ProcessPoolExecutor(max_workers=2, mp_context=fork, initializer=end_with_the_program) as pool:
            futures = [pool.submit(job) for _ in range(4)]
            running = lambda: sum(future.running() for future in futures)
            end = time.monotonic() + {SOON}
            while (begun.value < 2 or running() < 3) and time.monotonic() < end:
                time.sleep(0)
            print(begun.value, "begun by workers")
            print("more say running" if running() > 2 else f"{{running()}} said running")
            gate.set()
        print(begun.value, "in the end")
    """)

    assert ended.lines == ["2 begun by workers", "more say running", "4 in the end"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("unguarded-process-pool-runs-by-default-fork")
def test_before_python_3_14_an_unguarded_script_runs_with_a_process_pool(script):
    ended = script(BY_DEFAULT_UNGUARDED)

    assert ended.lines == ["the script runs", "the job got None"]
    assert (ended.status, ended.stderr) == (0, "")


@claim("unguarded-process-pool-breaks-by-default-forkserver")
def test_since_python_3_14_an_unguarded_script_is_run_again_and_gets_no_job_done_in_its_process_pool(script):
    ended = script(BY_DEFAULT_UNGUARDED)

    assert "the job got None" not in ended.lines
    assert ended.lines.count("the script runs") > 1
    assert IMPORTED_TOO_SOON in " ".join(ended.stderr.split())


@claim("spawn-and-forkserver-need-a-main-guard")
def test_under_spawn_the_worker_of_an_unguarded_script_runs_it_again_and_breaks_the_pool(script):
    ended = script(BY_SPAWN_UNGUARDED)

    assert ended.lines == ["the script runs", "the script runs", "BrokenProcessPool"]
    assert IMPORTED_TOO_SOON in " ".join(ended.stderr.split())
    assert ended.status == 0


@claim("spawn-and-forkserver-need-a-main-guard")
def test_under_forkserver_an_unguarded_script_is_run_again_and_gets_no_job_done(script):
    ended = script(BY_FORKSERVER_UNGUARDED)

    # What the script sees of it depends on who ran it again: the worker, or the server that forks the workers.
    assert "the job got forkserver" not in ended.lines
    assert ended.lines.count("the script runs") > 1
    assert IMPORTED_TOO_SOON in " ".join(ended.stderr.split())


@claim("spawn-and-forkserver-need-a-main-guard")
def test_under_spawn_and_forkserver_a_script_with_a_main_guard_gets_its_jobs_done(script):
    ended = script(BY_BOTH_GUARDED)

    assert ended.lines == ["the script runs", "the job got spawn", "the job got forkserver"]
    assert (ended.status, ended.stderr) == (0, "")
