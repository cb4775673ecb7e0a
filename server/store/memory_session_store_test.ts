import { MemorySessionStore } from "./memory_session_store.ts";
import { testSessionStore } from "./session_store_suite.ts";

testSessionStore("memory", () => new MemorySessionStore());
