import { beforeEach, describe, expect, it } from "vitest";
import { loginFrom, loginUrl, ownAddress, returnTo } from "../src/addresses.js";
import { ORIGIN, world } from "./world.js";

beforeEach(() => void world());

describe("the way back", () => {
  it("is a path of this origin, with query and fragment", () => {
    expect(returnTo()).toBe("/orders?page=2#top");
    expect(returnTo("/a?b=c#d")).toBe("/a?b=c#d");
    expect(returnTo("more")).toBe("/more");
    expect(returnTo(`${ORIGIN}/x`)).toBe("/x");
    expect(returnTo("https://somebody@app.test/x")).toBe("/x");
  });

  it.each([
    "https://evil.test/", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test",
    `${ORIGIN}//evil.test`, "javascript:alert(1)", "data:text/html,x", "blob:https://app.test/1",
    "http://app.test/", "https://app.test:444/", "https://app.test.evil.test/", "http://", "/auth/logout?lt=x", "/auth", "/api/auth/session",
  ])("is / in place of %j", (target) => expect(returnTo(target)).toBe("/"));
});

describe("the login's address", () => {
  it("has what the caller asks for, and no more", () => {
    expect(loginUrl()).toBe("/auth/login?return_to=%2Forders%3Fpage%3D2%23top");
    const all = {
      returnTo: "/x", idp: "a&b", prompt: "login", acrValues: "gold silver", maxAge: 0, loginHint: "a@b", uiLocales: "de", method: "magic_link",
    };
    expect(Object.fromEntries(new URL(loginUrl(all), ORIGIN).searchParams)).toEqual({
      return_to: "/x", idp: "a&b", prompt: "login", acr_values: "gold silver", max_age: "0", login_hint: "a@b", ui_locales: "de", method: "magic_link",
    });
  });

  it("is taken from an answer only where it is ours or listed, and leads back to this page", () => {
    const back = "return_to=%2Forders%3Fpage%3D2%23top";
    expect(loginFrom("/auth/login?return_to=%2Fapi%2Forders&max_age=5").href).toBe(`${ORIGIN}/auth/login?${back}&max_age=5`);
    for (const stranger of ["https://evil.test/auth/login", "//evil.test", "javascript:alert(1)", "data:text/html,x", "blob:https://app.test/1", "http://"]) {
      expect(loginFrom(stranger, ["https://login.test"]).href).toBe(`${ORIGIN}/auth/login?${back}`);
    }
    const central = loginFrom("https://login.test/auth/login?idp=a", ["https://login.test"]);
    expect([central.origin, central.searchParams.get("return_to")]).toEqual(["https://login.test", `${ORIGIN}/orders?page=2#top`]);
  });

  it("of the logout is ours alone", () => {
    expect(ownAddress("/auth/logout?lt=x")).toBe(`${ORIGIN}/auth/logout?lt=x`);
    for (const stranger of ["https://evil.test/", "//evil.test", "javascript:alert(1)", "blob:https://app.test/1"]) expect(ownAddress(stranger)).toBeUndefined();
  });
});
