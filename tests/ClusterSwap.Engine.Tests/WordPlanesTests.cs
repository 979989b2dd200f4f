// Words taken apart into planes of bytes, and put together again.
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class WordPlanesTests
{
    [Fact]
    public void First_bytes_of_all_words_come_first_and_what_is_no_word_last()
    {
        byte[] words = [1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24, 99, 98];
        byte[] planes = new byte[words.Length];
        WordPlanes.Split(words, planes);
        Assert.Equal([1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24, 99, 98], planes);
    }

    [Fact]
    public void Any_length_comes_back_as_it_was_and_sixteen_words_at_once_are_as_one_by_one()
    {
        byte[] all = new byte[300];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = (byte)(i * 7 + i / 256);
        }

        for (int length = 0; length <= all.Length; length++)
        {
            byte[] words = all[..length];
            byte[] planes = new byte[length];
            WordPlanes.Split(words, planes);
            int count = length / 4;
            for (int i = 0; i < 4 * count; i++)
            {
                Assert.Equal(words[i], planes[i % 4 * count + i / 4]);
            }

            byte[] back = new byte[length];
            WordPlanes.Join(planes, back);
            Assert.Equal(words, back);
        }
    }
}
