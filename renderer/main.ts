import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import sprite from './icons.svg?raw';
import './tokens.css';
import './ui.css';
import './app.css';

// The sprite is part of this bundle; its symbols are referred to by `#i-…`.
const icons = document.createElement('div');
icons.innerHTML = sprite;
document.body.prepend(icons);

createApp(App).use(createPinia()).mount('#app');
