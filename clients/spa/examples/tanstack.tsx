// Orders with TanStack Query: the session decides what is asked for, a login is no error to try again, and nothing of one
// person is shown to the next.

import { QueryClient, QueryClientProvider, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createClient, LoginRequired } from "wicketgate-spa";
import { useSession } from "wicketgate-spa/react";

interface Order {
  readonly id: number;
  readonly item: string;
}

export const client = createClient();

export const queries = new QueryClient({
  defaultOptions: { queries: { retry: (failures, error) => !(error instanceof LoginRequired) && failures < 3 } },
});

let before: string | undefined;
client.onSessionChange(({ session }) => {
  const user = session.authenticated ? session.user.id : undefined;
  if (before !== undefined && before !== user) queries.clear();
  before = user;
});

async function json<T>(answer: Response): Promise<T> {
  if (!answer.ok) throw new Error(`${answer.status}`);
  return (await answer.json()) as T;
}

export function Orders() {
  const session = useSession(client);
  const cache = useQueryClient();
  const orders = useQuery({
    queryKey: ["orders"],
    queryFn: async ({ signal }) => json<readonly Order[]>(await client.fetch("/api/orders", { signal })),
    enabled: session?.authenticated === true,
  });
  const place = useMutation({
    mutationFn: async (item: string) =>
      json<Order>(
        await client.fetch("/api/orders", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ item, quantity: 1 }),
        }),
      ),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["orders"] }),
  });

  if (session === undefined) return <p>One moment</p>;
  if (!session.authenticated) return <button onClick={() => client.login()}>Sign in</button>;
  return (
    <>
      <p>
        {session.user.name ?? session.user.id} <button onClick={() => void client.logout()}>Sign out</button>
      </p>
      <ul>{orders.data?.map((order) => <li key={order.id}>{order.item}</li>)}</ul>
      <button onClick={() => place.mutate("Brass hinge")}>Order a hinge</button>
    </>
  );
}

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Orders />
    </QueryClientProvider>
  );
}
