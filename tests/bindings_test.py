"""The bindings of validator-lib to Python and Node, built by `clients/build`: the vectors of the Rust crate, FastAPI, Express,
and Node's own server."""

import asyncio
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PARTS = pathlib.Path(os.environ.get("WICKETGATE_PARTS_DIR", TARGET / "parts"))
VECTORS = ROOT / "validator-lib/vectors"


def setUpModule():
    subprocess.run([ROOT / "clients/build"], check=True)
    sys.path[:0] = [str(TARGET / "clients/python"), str(PARTS / "python")]


def vectors(name):
    return json.loads((VECTORS / name).read_text())


def validator(vectors, **more):
    from wicketgate import Validator

    return Validator(
        vectors["issuer"], vectors["audience"], jwks=json.dumps(vectors["jwks"]), now=vectors["now"], **more
    )


def token(name):
    """An accepted token of the corpus."""
    return next(case["authorization"] for case in vectors("tokens.json")["cases"] if case["name"] == name)


class Replay(unittest.IsolatedAsyncioTestCase):
    async def told(self, check, method, path, authorization):
        from wicketgate import Refusal

        try:
            await check.check(method, path, [authorization.encode()])
            return 200, None
        except Refusal as refusal:
            return refusal.status, refusal.reason

    async def test_access_tokens_get_the_answers_of_the_rust_crate(self):
        all_of_them = vectors("tokens.json")
        check = validator(all_of_them)
        for case in all_of_them["cases"]:
            told = await self.told(check, all_of_them["method"], all_of_them["path"], case["authorization"])
            self.assertEqual(told, (case["status"], case["reason"]), case["name"])

    async def test_context_tokens_get_the_answers_of_the_rust_crate(self):
        all_of_them = vectors("context.json")
        check = validator(all_of_them, profile="wicket-context")
        for case in all_of_them["cases"]:
            status, reason = await self.told(check, "GET", "/", f"Bearer {case['token']}")
            self.assertEqual(status == 200, case["good"], f"{case['name']}: {reason}")

    async def test_a_token_says_whose_it_is(self):
        contexts = vectors("context.json")
        good = contexts["cases"][0]["token"]
        token = await validator(contexts, profile="wicket-context").check("GET", "/", [f"Bearer {good}"])
        self.assertEqual((token.subject, token.issuer, token.roles), ("alice", contexts["issuer"], ("ADMIN",)))
        self.assertEqual((token.scopes, token.claims["tenant"]), (("orders:read",), "blue"))
        self.assertNotIn("tenant", repr(token), "claims are not printed")


class Settings(unittest.TestCase):
    def test_settings_that_could_never_work_are_refused(self):
        from wicketgate import Validator

        for wrong in [{"profile": "no such"}, {"jwks": "{}"}, {"jwks": "{"}, {"origin": "api"}]:
            with self.assertRaises(ValueError, msg=wrong):
                Validator("https://i", "a", **({"jwks": json.dumps(vectors("context.json")["jwks"])} | wrong))

    def test_a_header_that_was_joined_by_mistake_is_no_list(self):
        with self.assertRaises(TypeError):
            asyncio.run(validator(vectors("context.json")).check("GET", "/", "Bearer x"))


class Waiting(unittest.IsolatedAsyncioTestCase):
    async def test_an_issuer_that_does_not_answer_holds_up_neither_loop_nor_threads(self):
        from wicketgate import Refusal, Validator

        silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        check = Validator(f"http://127.0.0.1:{port}", "a")
        waiting = asyncio.create_task(check.check("GET", "/", [token("structure-a-good-token")]))
        turns, counted = 0, threading.Event()
        threading.Thread(target=counted.set).start()
        while turns < 1_000:
            await asyncio.sleep(0)
            turns += 1
        self.assertTrue(counted.wait(5))
        self.assertFalse(waiting.done())
        silent.close()
        waiting.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await waiting

    async def test_one_attempt_to_reach_the_issuer_counts_for_all_who_waited_for_it(self):
        from wicketgate import Refusal, Validator

        held = []
        silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
        check = Validator(f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}", "a")
        asked = [check.check("GET", "/", [token("structure-a-good-token")]) for _ in range(20)]
        told = await asyncio.gather(*asked, return_exceptions=True)
        self.assertTrue(all(isinstance(refusal, Refusal) and refusal.status == 503 for refusal in told), told)
        self.assertEqual(len(held), 1)
        silent.close()

    async def test_an_issuer_that_is_away_is_503(self):
        from wicketgate import Refusal, Validator

        with self.assertRaises(Refusal) as refused:
            await Validator("http://127.0.0.1:1", "a").check("GET", "/", ["Bearer a.b.c"])
        self.assertEqual((refused.exception.status, dict(refused.exception.headers)["retry-after"]), (503, "5"))


class FastApi(unittest.TestCase):
    def setUp(self):
        from typing import Annotated

        from fastapi import FastAPI
        from fastapi.testclient import TestClient
        from wicketgate import Token
        from wicketgate.fastapi import answer_refusals, requires

        contexts = vectors("context.json")
        check = validator(contexts, profile="wicket-context")
        self.app = FastAPI()

        @self.app.get("/orders")
        async def orders(token: Annotated[Token, requires(check, scopes=["orders:read"])]):
            return token.subject

        @self.app.delete("/orders")
        async def delete(token: Annotated[Token, requires(check, roles=["OWNER"])]):
            return token.subject

        self.good = {"authorization": f"Bearer {contexts['cases'][0]['token']}"}
        self.client = TestClient(self.app)
        self.answer_refusals = answer_refusals

    def test_who_may_is_let_in_and_who_may_not_is_told_so(self):
        self.assertEqual(self.client.get("/orders", headers=self.good).json(), "alice")
        for answer, status, challenge in [
            (self.client.get("/orders"), 401, "Bearer"),
            (self.client.get("/orders", headers={"authorization": "Bearer a.b.c"}), 401, 'Bearer error="invalid_token"'),
            (self.client.delete("/orders", headers=self.good), 403, 'Bearer error="insufficient_scope"'),
        ]:
            self.assertEqual((answer.status_code, answer.headers["www-authenticate"]), (status, challenge))
            self.assertEqual(answer.json()["detail"]["status"], status)

    def test_a_header_that_is_there_twice_is_refused(self):
        twice = [("authorization", self.good["authorization"])] * 2
        self.assertEqual(self.client.get("/orders", headers=twice).status_code, 400)

    def test_refusals_are_problem_documents_where_the_app_sends_them(self):
        self.answer_refusals(self.app)
        answer = self.client.get("/orders")
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertEqual((answer.status_code, answer.json()["code"]), (401, "token_missing"))
        self.assertEqual(answer.headers["www-authenticate"], "Bearer")


class Node(unittest.TestCase):
    def test_node_replays_the_vectors_and_stands_before_a_server(self):
        command = ["node", ROOT / "clients/node/test.mjs", TARGET / "clients/node", VECTORS, PARTS / "node"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("# pass 6", done.stdout)


if __name__ == "__main__":
    unittest.main()
