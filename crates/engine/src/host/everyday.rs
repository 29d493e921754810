/// What models are asked when they are compared or tried: everyday work in two languages.
pub(super) const EVERYDAY: [&str; 3] = [
    "Write a short, polite e-mail that moves a meeting from Monday to Wednesday.",
    "What is the difference between a fixed and a variable cost? Give one example of each.",
    "「お世話になっております」の使い方を短く説明してください。",
];
