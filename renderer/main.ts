import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { useMessages } from './stores/messages';
import sprite from './icons.svg?raw';
import './tokens.css';
import './ui.css';
import './app.css';

// The sprite is part of this bundle; its symbols are referred to by `#i-…`.
const icons = document.createElement('div');
icons.innerHTML = sprite;
document.body.prepend(icons);

const app = createApp(App).use(createPinia());
const messages = useMessages();
// A fault of the window is told like everything else, and stays in the console for whoever looks there.
const fault = (error: unknown): void => {
  console.error(error);
  messages.fault(error);
};
app.config.errorHandler = fault;
addEventListener('unhandledrejection', (event) => messages.fault(event.reason));
app.mount('#app');
