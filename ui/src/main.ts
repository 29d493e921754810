import { mount } from "svelte";
import App from "./App.svelte";
import { tauriBackend } from "./backend";
import "./look/index.css";

const target = document.getElementById("app");
if (target) mount(App, { target, props: { backend: tauriBackend } });
