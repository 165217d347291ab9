import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from reglab.data.preprocessing.term_counts import TermCounts
from reglab.data.splitting.duplicates import of_inputs

WORDS = [f"w{number:03}" for number in range(60)] + ["Ünlü", "don't", "a", "B2", "naïve-ness", "x_y"]
WEIGHTS = 1 / np.arange(1, len(WORDS) + 1)
RANDOM = np.random.default_rng(0)
TEXTS = [" ".join(RANDOM.choice(WORDS, 30, p=WEIGHTS / WEIGHTS.sum())) for _ in range(90)] + ["a", "", "unseen only"]
TRAINING = RANDOM.permutation(90)[:40]


def of_scikit_learn(ngrams, **settings):
    vectorizer = TfidfVectorizer(ngram_range=(1, ngrams), **settings).fit([TEXTS[row] for row in TRAINING])
    return vectorizer, vectorizer.transform(TEXTS).toarray()


@pytest.mark.parametrize("ngrams", [1, 2, 3])
@pytest.mark.parametrize("settings", [{}, {"sublinear_tf": True}, {"min_df": 3}])
def test_weights_are_those_of_scikit_learn_fitted_on_the_training_texts(ngrams, settings):
    """Tolerance 1e-6: ours are float32."""
    _, expected = of_scikit_learn(ngrams, **settings)
    texts = TermCounts.of(TEXTS, ngrams=ngrams, max_features=expected.shape[1], **settings)
    ours = texts.take(TRAINING).fit().transform(texts)
    assert ours.dtype == np.float32 and np.abs(ours - expected).max() < 1e-6


def test_the_most_frequent_terms_have_a_column_as_in_scikit_learn():
    for width in range(1, 30):
        vectorizer, expected = of_scikit_learn(1, max_features=width)
        texts = TermCounts.of(TEXTS, max_features=width)
        fitted = texts.take(TRAINING).fit()
        frequencies = frequencies_of(texts.take(TRAINING))
        if frequencies[width - 1] > frequencies[width]:  # else which of the equally frequent is kept is left to chance
            assert list(fitted.terms) == list(vectorizer.get_feature_names_out())
            assert np.abs(fitted.transform(texts) - expected).max() < 1e-6


def frequencies_of(texts):
    return np.sort(np.bincount(texts.ids, texts.counts, minlength=len(texts.vocabulary)))[::-1]


def test_of_equally_frequent_terms_the_first_in_the_alphabet_is_kept():
    assert TermCounts.of(["bb cc", "aa bb"], max_features=2).fit().terms == ("aa", "bb")


def test_what_is_fitted_depends_on_the_training_texts_alone():
    texts = TermCounts.of(TEXTS, max_features=20).take(TRAINING)
    alone = TermCounts.of([TEXTS[row] for row in TRAINING], max_features=20)
    assert texts.fit().terms == alone.fit().terms and np.array_equal(texts.fit().idf, alone.fit().idf)


def test_the_width_is_the_same_where_the_training_texts_have_fewer_terms():
    texts = TermCounts.of(["aa bb", "cc dd ee"], max_features=4)
    first, second = (texts.take(np.array([row])).fit().transform(texts) for row in (0, 1))
    assert first.shape == second.shape == (2, 4)
    assert np.array_equal(first[1], np.zeros(4)) and np.count_nonzero(second[1]) == 3


def test_other_texts_are_weighted_as_if_they_had_been_there():
    texts = TermCounts.of(TEXTS, max_features=20)
    fitted = texts.take(TRAINING).fit()
    assert np.array_equal(fitted.transform(TermCounts.of(TEXTS[60:], max_features=20)), fitted.transform(texts)[60:])


def test_texts_are_taken_in_any_order_and_restored_from_their_tensors():
    texts = TermCounts.of(TEXTS, ngrams=2, max_features=20, min_df=2, sublinear_tf=True)
    rows = np.array([90, 3, 3, 91, 89])
    fitted = texts.take(TRAINING).fit()
    assert np.array_equal(fitted.transform(texts.take(rows)), fitted.transform(texts)[rows])
    again = TermCounts.restore(texts.tensors(), texts.description())
    assert np.array_equal(again.preprocessor(fitted.tensors()).transform(again), fitted.transform(texts))


def test_texts_with_the_same_words_as_often_are_duplicates():
    texts = TermCounts.of(["Sea and sky", "sky, and sea!", "sea and and sky", "sea", "Sea.", "I a"], max_features=2)
    assert of_inputs(texts).tolist() == [0, 0, 2, 3, 3, 5]
    for count in range(1, 12):  # the number of terms does not matter
        assert of_inputs(TermCounts.of(["aa " * (number + 1) for number in range(count)], max_features=2)) is None
